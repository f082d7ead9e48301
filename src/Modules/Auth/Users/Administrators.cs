using LlmPlatform.SharedKernel;
using Marten;

namespace LlmPlatform.Auth.Users;

/// <summary>Somebody always administers: whoever takes that from a person holds the lock and looks for another.</summary>
internal static class Administrators
{
    // Two administrators who demote each other at once must not both succeed.
    public const string Lock = "auth:administrators";

    public static Task<bool> HasOtherAsync(IDocumentSession session, Guid id, CancellationToken cancellation) =>
        session.Query<User>().AnyAsync(u => u.Role == Roles.Administrator && !u.IsDisabled && u.Id != id, cancellation);

    public static Refusal Last() => new(new Error(409, "user.last_administrator", "This is the last administrator. Make somebody else one first."));
}
