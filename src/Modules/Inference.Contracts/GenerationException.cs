namespace LlmPlatform.Inference.Contracts;

/// <summary>A generation that was refused or failed, with what the caller may be told.</summary>
/// <param name="status">HTTP status that fits: 400, 404, 429, 502, 503 or 504.</param>
/// <param name="code">Stable code, such as <c>model_not_found</c>, <c>context_length_exceeded</c> or <c>engine.crashed</c>.</param>
/// <param name="message">A sentence for the caller.</param>
/// <param name="param">The request field to blame, or null.</param>
public sealed class GenerationException(int status, string code, string message, string? param = null) : Exception(message)
{
    /// <summary>HTTP status that fits.</summary>
    public int Status { get; } = status;

    /// <summary>Stable code.</summary>
    public string Code { get; } = code;

    /// <summary>The request field to blame, or null.</summary>
    public string? Param { get; } = param;

    /// <summary>When a retry may succeed, or null.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Whether sending the same request again soon cannot help, so that clients should not.</summary>
    public bool IsFinal { get; init; }
}
