namespace LlmPlatform.Auth.Contracts;

/// <summary>Answers who somebody is.</summary>
public interface IUserDirectory
{
    /// <summary>A user, or null where there is none or the person was erased.</summary>
    Task<UserEntry?> FindAsync(Guid userId, CancellationToken cancellation);
}

/// <summary>What other modules may know of a user.</summary>
/// <param name="Id">The user.</param>
/// <param name="Name">Display name.</param>
/// <param name="Role">Role in lower case.</param>
public sealed record UserEntry(Guid Id, string Name, string Role)
{
    /// <summary>Whether they may use the platform now: neither disabled nor waiting to be let in.</summary>
    public bool IsActive { get; init; } = true;
}
