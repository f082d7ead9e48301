using System.Text.Json.Serialization;
using LlmPlatform.SharedKernel;
using Marten;

namespace LlmPlatform.Chat.Sharing;

public enum ShareKind
{
    /// <summary>For whoever is signed in and has the link.</summary>
    Link,

    /// <summary>For those that it names.</summary>
    People,
}

public enum ShareRight
{
    Read,

    /// <summary>Whoever may read it may also go on with it, in a conversation of their own.</summary>
    Copy,
}

/// <summary>
/// Shows others a conversation as it was. It is no copy: it names a version and a message, and the events up to there say what was said; the title alone is kept, for lists. Where the
/// conversation goes or its owner is erased, nothing is left to be shown.
/// </summary>
public sealed record Share
{
    public Guid Id { get; init; }

    public required Guid ConversationId { get; init; }

    public required Guid OwnerId { get; init; }

    public required long Version { get; init; }

    /// <summary>The last message that is shown.</summary>
    public required Guid LeafId { get; init; }

    /// <summary>The title that the conversation had then.</summary>
    public string? SealedTitle { get; init; }

    public required ShareKind Kind { get; init; }

    public required ShareRight Allow { get; init; }

    /// <summary>SHA-256 of a link's token, in hexadecimal.</summary>
    public string? TokenHash { get; init; }

    public IReadOnlyList<Guid> Users { get; init; } = [];

    /// <summary>Keys of groups.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    public bool IncludesSystemPrompt { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    [JsonIgnore]
    internal string Target => $"share:{Id}";

    internal bool IsOver(DateTimeOffset now) => ExpiresAt <= now;

    internal bool Names(CurrentUser user) => Kind == ShareKind.People && (Users.Contains(user.Id) || Groups.Intersect(user.Groups).Any());

    internal static string HashOf(string token) => Convert.ToHexStringLower(Secret.Hash(token));

    internal static Refusal NotFound() => Refusal.NotFound("share.not_found", "There is no such share, or it has ended.");
}

/// <summary>Ends of shares that are not their owner's wish.</summary>
internal static class Shares
{
    /// <summary>Ends those of a conversation, when it is deleted for good.</summary>
    public static void EndAll(IDocumentSession session, Guid conversation)
    {
        session.DeleteWhere<Share>(share => share.ConversationId == conversation);
        ShareViews.Forget(session, conversation);
    }
}
