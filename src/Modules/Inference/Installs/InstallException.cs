using LlmPlatform.SharedKernel;
using LlmPlatform.SharedKernel.Outside;

namespace LlmPlatform.Inference.Installs;

/// <summary>An install that does not succeed, with a stable code and a sentence for whoever asked for it.</summary>
internal sealed class InstallException(string code, string message) : Exception(message)
{
    public string Code { get; } = code;

    /// <summary>The same may succeed soon, without anybody's help.</summary>
    public bool IsTransient { get; init; }

    /// <summary>What is here of the file is of use for another try.</summary>
    public bool CanResume { get; init; }

    /// <summary>What the other side asked to wait.</summary>
    public TimeSpan? RetryAfter { get; init; }

    public static InstallException From(OutsideException failure) =>
        new(failure.Code, failure.Message) { IsTransient = failure.IsTransient, CanResume = failure.IsTransient };

    public static InstallException From(Refusal refusal) => new(refusal.Error.Code, refusal.Error.Message);
}
