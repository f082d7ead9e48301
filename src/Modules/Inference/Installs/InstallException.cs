namespace LlmPlatform.Inference.Installs;

/// <summary>An install that cannot succeed, with a stable code and a sentence for whoever asked for it.</summary>
internal sealed class InstallException(string code, string message) : Exception(message)
{
    public string Code { get; } = code;
}
