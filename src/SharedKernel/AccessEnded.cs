namespace LlmPlatform.SharedKernel;

/// <summary>A feature of a request: told when whoever asks may do so no longer. What goes on without its reader still ends then.</summary>
public sealed record AccessEnded(CancellationToken Token);
