using LlmPlatform.SharedKernel;

namespace LlmPlatform.Auth.Users;

/// <summary>A user as people see one.</summary>
public sealed record UserProfile(Guid Id, string Email, string Name, string Role, bool Disabled, DateTimeOffset CreatedAt, IReadOnlyList<string> Groups)
{
    internal static async ValueTask<UserProfile> OpenAsync(User user, SubjectVault vault, CancellationToken cancellation) => new(
        user.Id,
        await vault.OpenAsync(user.Id, user.SealedEmail, cancellation) ?? "",
        await vault.OpenAsync(user.Id, user.SealedName, cancellation) ?? "",
        user.Role,
        user.IsDisabled,
        user.RegisteredAt,
        user.Groups);
}
