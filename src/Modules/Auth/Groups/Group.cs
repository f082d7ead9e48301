using System.Text.RegularExpressions;
using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;

namespace LlmPlatform.Auth.Groups;

/// <summary>People who may do the same. Who is in it stands with the people, since that is where it is looked up for each request.</summary>
public sealed partial record Group
{
    /// <summary>What rights name; it never changes.</summary>
    public required string Id { get; init; }

    public required string Title { get; init; }

    /// <summary>What its members may do beside what everybody may, of <see cref="SharedKernel.Permissions"/>.</summary>
    public IReadOnlyList<string> Permissions { get; init; } = [];

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Held by whoever makes or deletes a group, or puts somebody into one.</summary>
    internal const string Lock = "auth:groups";

    public static bool IsKey(string key) => KeyPattern().IsMatch(key);

    internal static Refusal NotFound() => Refusal.NotFound("group.not_found", "There is no such group.");

    [GeneratedRegex("^[a-z0-9][a-z0-9._-]{0,63}$", RegexOptions.NonBacktracking)]
    private static partial Regex KeyPattern();
}

/// <summary>A group and how many people are in it.</summary>
public sealed record GroupDetails(string Key, string Title, IReadOnlyList<string> Permissions, int Members, DateTimeOffset CreatedAt)
{
    internal static async Task<GroupDetails> OfAsync(Group group, IQuerySession session, CancellationToken cancellation) =>
        new(group.Id, group.Title, group.Permissions, await session.Query<User>().CountAsync(u => u.Groups.Contains(group.Id), cancellation), group.CreatedAt);
}
