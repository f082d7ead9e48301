using LlmPlatform.Chat.Conversations;
using LlmPlatform.SharedKernel;
using Marten;

namespace LlmPlatform.Chat.Search;

/// <summary>Cuts out of messages what is shown of them in a list of what was found.</summary>
internal sealed class Snippets(IChatStore store, SubjectVault vault)
{
    private const int Longest = 160;
    private const int Before = 60;

    /// <summary>One for each message in which one of the words stands; the others were changed a moment ago.</summary>
    public async Task<ILookup<Guid, Snippet>> ReadAsync(Guid owner, IReadOnlyList<SearchMatch> matches, IReadOnlySet<string> words, CancellationToken cancellation)
    {
        await using var session = store.QuerySession();
        var messages = (await session.LoadManyAsync<Message>(cancellation, [.. matches.Where(m => !m.IsTitle).Select(m => m.MessageId)])).ToDictionary(m => m.Id);
        var titles = (await session.LoadManyAsync<Conversation>(cancellation, [.. matches.Where(m => m.IsTitle).Select(m => m.ConversationId)])).ToDictionary(c => c.Id);
        var snippets = new List<(Guid Conversation, Snippet Snippet)>();
        foreach (var match in matches)
        {
            var text = match.IsTitle ? await vault.OpenOrNullAsync(owner, titles.GetValueOrDefault(match.ConversationId)?.SealedTitle, cancellation)
                : messages.GetValueOrDefault(match.MessageId) is { } message ? (await vault.OpenBodyAsync(owner, message, cancellation)).Text
                : null;
            if (text is not null && Cut(match.IsTitle ? null : match.MessageId, text, words) is { } snippet)
            {
                snippets.Add((match.ConversationId, snippet));
            }
        }

        return snippets.ToLookup(s => s.Conversation, s => s.Snippet);
    }

    /// <summary>The text round the first of the words; null where there is none.</summary>
    internal static Snippet? Cut(Guid? message, string text, IReadOnlySet<string> words)
    {
        ProseWord[] found = [.. ProseWords.Of(text).Where(word => words.Contains(word.Plain)).SkipWhile(word => word.Length > Longest)];
        if (found.Length == 0)
        {
            return null;
        }

        var start = Fit(text, Math.Max(0, found[0].Start - Before));
        var end = Fit(text, Math.Min(text.Length, start + Longest));
        var line = string.Concat(text[start..end].Select(c => char.IsControl(c) || c is '\u2028' or '\u2029' ? ' ' : c));
        return new Snippet(message, line, [.. Merged(found.Where(word => word.Start + word.Length <= end)).Select(m => m with { Start = m.Start - start })]);
    }

    // Pairs of characters overlap with their neighbours.
    private static List<SnippetMatch> Merged(IEnumerable<ProseWord> words)
    {
        var merged = new List<SnippetMatch>();
        foreach (var word in words.OrderBy(word => word.Start).ThenByDescending(word => word.Length))
        {
            if (merged is [.., var last] && word.Start <= last.Start + last.Length - 1)
            {
                merged[^1] = last with { Length = Math.Max(last.Length, word.Start + word.Length - last.Start) };
            }
            else
            {
                merged.Add(new SnippetMatch(word.Start, word.Length));
            }
        }

        return merged;
    }

    // Not in the midst of a character.
    private static int Fit(string text, int at) => at > 0 && at < text.Length && char.IsLowSurrogate(text[at]) && char.IsHighSurrogate(text[at - 1]) ? at - 1 : at;
}

/// <summary>An entry that matches.</summary>
internal sealed record SearchMatch(Guid ConversationId, Guid MessageId)
{
    public bool IsTitle => ConversationId == MessageId;
}
