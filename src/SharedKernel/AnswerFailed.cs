namespace LlmPlatform.SharedKernel;

/// <summary>A feature of a request whose answer had begun when it failed: it ends with an error, whatever its status says.</summary>
public sealed record AnswerFailed;
