namespace LlmPlatform.Inference.Contracts;

/// <summary>An administrator said anew who may use an installed model.</summary>
/// <param name="Name">The model.</param>
/// <param name="Rights">Who may.</param>
/// <param name="At">When; the latest one counts, in whatever order they arrive.</param>
public sealed record ModelRightsChanged(string Name, ModelRights Rights, DateTimeOffset At);
