namespace LlmPlatform.SharedKernel.Outside;

/// <summary>Another machine could not be asked, or its answer is none, with a stable code and a sentence for whoever wanted it.</summary>
public sealed class OutsideException(string code, string message, bool isTransient = false) : Exception(message)
{
    public string Code { get; } = code;

    /// <summary>Another try may succeed.</summary>
    public bool IsTransient { get; } = isTransient;
}
