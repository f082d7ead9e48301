using LlmPlatform.SharedKernel;
using Marten;

namespace LlmPlatform.Chat.Folders;

/// <summary>A place for conversations of one person.</summary>
public sealed record Folder
{
    public Guid Id { get; init; }

    public required Guid OwnerId { get; init; }

    public required string SealedName { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }
}

/// <summary>A folder as its owner sees it.</summary>
public sealed record FolderView(Guid Id, string Name, DateTimeOffset CreatedAt);

internal static class FolderRules
{
    public const int LongestName = 100;
    public const int MostFolders = 1000;

    public static Refusal TooMany() => new(new Error(422, "folder.too_many", $"Nobody has more than {MostFolders} folders."));
}

internal static class FolderSession
{
    /// <exception cref="Refusal"><c>folder.not_found</c></exception>
    public static async Task<Folder> FolderAsync(this IQuerySession session, Guid id, Guid owner, CancellationToken cancellation) =>
        await session.LoadAsync<Folder>(id, cancellation) is { } folder && folder.OwnerId == owner ? folder : throw Refusal.NotFound("folder.not_found", "There is no such folder.");
}
