namespace LlmPlatform.Inference.Contracts;

/// <summary>A model was deleted; its name is free again.</summary>
/// <param name="DeletionId">This deletion; receivers use it to apply this once.</param>
/// <param name="Name">Its name.</param>
/// <param name="Digest">Digest of the file it had.</param>
/// <param name="DeletedBy">Who asked for it.</param>
/// <param name="At">When.</param>
public sealed record ModelDeleted(Guid DeletionId, string Name, string Digest, Guid DeletedBy, DateTimeOffset At);
