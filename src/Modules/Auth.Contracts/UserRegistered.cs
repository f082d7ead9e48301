namespace LlmPlatform.Auth.Contracts;

/// <summary>A user was registered. Ask <see cref="IUserDirectory"/> for the name: messages carry ids only.</summary>
/// <param name="UserId">The user.</param>
/// <param name="Role">Role in lower case.</param>
/// <param name="At">When.</param>
public sealed record UserRegistered(Guid UserId, string Role, DateTimeOffset At);
