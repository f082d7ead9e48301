using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Chat.Search;

/// <summary>What somebody looks for among their own conversations.</summary>
internal sealed record SearchQuestion
{
    public const int LongestText = 200;
    public const int MostWords = 12;
    public const int MostFound = 100;

    public required Guid Owner { get; init; }

    /// <summary>As it was typed.</summary>
    public required string Text { get; init; }

    public Guid? FolderId { get; init; }

    /// <summary>The digest of a tag.</summary>
    public string? Tag { get; init; }

    /// <summary>The model that wrote the message; for what no model wrote, the model of the conversation.</summary>
    public string? Model { get; init; }

    /// <summary>The first moment of what is found.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>The moment before which it ends.</summary>
    public DateTimeOffset? To { get; init; }

    public bool? IsArchived { get; init; }

    public string? Cursor { get; init; }

    public int Limit { get; init; } = Page.DefaultLimit;

    /// <summary>The words to look for.</summary>
    /// <exception cref="Refusal"><c>param.range</c></exception>
    public IReadOnlyList<ProseWord> Words()
    {
        if (Limit is < 1 or > MostFound)
        {
            throw Refusal.BadParam("limit", $"'limit' is a number from 1 to {MostFound}.");
        }

        if (Text.Length > LongestText)
        {
            throw Refusal.BadParam("query", $"'query' has at most {LongestText} characters.");
        }

        if (IsNoText(Tag) || IsNoText(Model))
        {
            throw Refusal.BadParam(IsNoText(Tag) ? "tag" : "model", "Nothing has such a name.");
        }

        return [.. ProseWords.Typed(Text).DistinctBy(word => word.Plain).Take(MostWords)];
    }

    // The database takes no zero and no half of a character.
    private static bool IsNoText(string? text) => text?.Any(c => c == '\0' || char.IsSurrogate(c)) == true;
}

/// <summary>Where a page of a search ends.</summary>
internal sealed record SearchCursor(DateTimeOffset At, Guid Conversation)
{
    private const string List = "search";

    /// <exception cref="Refusal"><c>param.cursor</c></exception>
    public static SearchCursor? Parse(SearchQuestion question, ListCursors cursors) => cursors.Open(List, question.Owner, question.Cursor)?.Split('|') switch
    {
        null => null,
        [var asked, var ticks, var id] when asked == Asked(question) => new SearchCursor(new DateTimeOffset(long.Parse(ticks, CultureInfo.InvariantCulture), TimeSpan.Zero), Guid.Parse(id)),
        _ => throw Refusal.BadParam("cursor", "'cursor' is not one that this list gave out.", "param.cursor"),
    };

    public string Write(SearchQuestion question, ListCursors cursors) =>
        cursors.Seal(List, question.Owner, string.Create(CultureInfo.InvariantCulture, $"{Asked(question)}|{At.UtcTicks}|{Conversation:n}"));

    // It goes on with the question that it was given for, and with no other.
    private static string Asked(SearchQuestion question) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $"{question.FolderId:n}\0{question.Tag}\0{question.Model}\0{question.From?.UtcTicks}\0{question.To?.UtcTicks}\0{question.IsArchived}\0{question.Text}"))));
}

/// <summary>A page of what was found, the newest match first.</summary>
/// <param name="Items">The conversations.</param>
/// <param name="NextCursor">Opaque; null on the last page.</param>
/// <param name="Lag">How far the search is behind what was said.</param>
internal sealed record FoundConversations(IReadOnlyList<FoundConversation> Items, string? NextCursor, SearchLag Lag);

/// <param name="ConversationId">The conversation.</param>
/// <param name="At">When the newest match was said.</param>
/// <param name="Snippets">Up to three places where it matches, the newest first.</param>
internal sealed record FoundConversation(Guid ConversationId, DateTimeOffset At, IReadOnlyList<Snippet> Snippets);

/// <summary>Events of one's own newest conversations that the search has yet to read; 0 when it is up to date, and 1000 for more.</summary>
public sealed record SearchLag(long Events);

/// <summary>A piece of a message round what was found in it. It is plain text, whatever it looks like.</summary>
/// <param name="MessageId">The message; null for the title.</param>
/// <param name="Text">About 160 characters, on one line.</param>
/// <param name="Matches">Where the words stand that were found.</param>
public sealed record Snippet(Guid? MessageId, string Text, IReadOnlyList<SnippetMatch> Matches);

/// <summary>A place in a snippet, in UTF-16 code units, as JavaScript and C# count.</summary>
public sealed record SnippetMatch(int Start, int Length);
