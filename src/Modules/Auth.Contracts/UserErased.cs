namespace LlmPlatform.Auth.Contracts;

/// <summary>
/// A person was erased: what was sealed with the person's key can no longer be read. Whoever keeps anything else of the person removes it on this message.
/// </summary>
/// <param name="UserId">The user.</param>
/// <param name="At">When.</param>
public sealed record UserErased(Guid UserId, DateTimeOffset At);
