using LlmPlatform.Auth.Contracts;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Auth.Users;

internal sealed class UserDirectory(IAuthStore store, SubjectVault vault) : IUserDirectory
{
    public async Task<UserEntry?> FindAsync(Guid userId, CancellationToken cancellation)
    {
        await using var session = store.QuerySession();
        return await session.LoadAsync<User>(userId, cancellation) is { } user
            && await vault.OpenAsync(userId, user.SealedName, cancellation) is { } name
                ? new UserEntry(userId, name, user.Role) { IsActive = !user.IsDisabled && user.Role != Roles.Pending }
                : null;
    }
}
