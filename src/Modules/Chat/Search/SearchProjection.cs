using System.Security.Cryptography;
using System.Text.Json;
using JasperFx.Events;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.SharedKernel;
using Marten;
using Marten.Events.Projections;
using Microsoft.Extensions.Logging;

namespace LlmPlatform.Chat.Search;

/// <summary>Keeps the tables of the search in step with what was said, a moment later: nobody who writes waits for it.</summary>
internal sealed partial class SearchProjection(SubjectVault vault, ILogger<SearchProjection> logger) : IProjection
{
    public const string Name = "Search";

    // As many as a long book has; a file of random letters would make an entry of any size.
    private const int MostWords = 20_000;

    public async Task ApplyAsync(IDocumentOperations operations, IReadOnlyList<IEvent> events, CancellationToken cancellation)
    {
        var texts = events.Where(e => TextOf(e) is not null).ToArray();
        if (texts.Length == 0)
        {
            return;
        }

        var conversations = await operations.LoadManyAsync<Conversation>(cancellation, [.. texts.Select(e => e.StreamId).Distinct()]);
        var owners = conversations.ToDictionary(c => c.Id, c => c.OwnerId); // none for those that are deleted by now
        var models = await ModelsAsync(operations, texts, cancellation);
        foreach (var of in texts.Where(e => owners.ContainsKey(e.StreamId)).GroupBy(e => owners[e.StreamId]))
        {
            if (await vault.DigestAsync(of.Key, cancellation) is { } digest)
            {
                await ApplyAsync(operations, of.Key, digest, of, models, cancellation);
            }
        }
    }

    // The end of a reply does not say who wrote it; its message does.
    private static async Task<Dictionary<Guid, string?>> ModelsAsync(IQuerySession session, IEnumerable<IEvent> events, CancellationToken cancellation) =>
        (await session.LoadManyAsync<Message>(cancellation, [.. events.Select(e => e.Data).OfType<ReplyEnded>().Select(ended => ended.MessageId).Distinct()]))
            .ToDictionary(message => message.Id, message => message.Model);

    private async Task ApplyAsync(
        IDocumentOperations operations, Guid owner, SubjectDigest digest, IEnumerable<IEvent> events, Dictionary<Guid, string?> models, CancellationToken cancellation)
    {
        SearchEntries.Take(operations, owner);
        var words = new Dictionary<long, string>();
        var entries = new List<Guid>();
        foreach (var e in events)
        {
            var entry = TextOf(e)!;
            var found = new HashSet<long>();
            foreach (var word in ProseWords.Of(await OpenAsync(owner, entry, cancellation) ?? "").Select(word => word.Plain).Distinct().Take(MostWords))
            {
                var of = digest.Of(word);
                found.Add(of);
                words[of] = word;
            }

            entries.Add(entry.Id);
            SearchEntries.Put(operations, entry.Id, e.StreamId, entry.Model ?? models.GetValueOrDefault(entry.Id), entry.At, [.. found.Order()]);
        }

        var sealedWords = new Dictionary<long, string>();
        foreach (var (of, word) in words)
        {
            sealedWords[of] = await vault.SealAsync(owner, word, cancellation);
        }

        SearchEntries.Add(operations, owner, [.. entries], [.. sealedWords.Keys], [.. sealedWords.Values]);
    }

    // What cannot be opened is not found; it must not stop the index of everybody else.
    private async Task<string?> OpenAsync(Guid owner, Entry entry, CancellationToken cancellation)
    {
        try
        {
            return entry.IsTitle
                ? await vault.OpenOrNullAsync(owner, entry.Sealed, cancellation)
                : (await vault.OpenJsonAsync<MessageBody>(owner, entry.Sealed, cancellation))?.Text;
        }
        catch (Exception e) when (e is CryptographicException or FormatException or JsonException)
        {
            LogUnreadable(logger, e, entry.Id);
            return null;
        }
    }

    private static Entry? TextOf(IEvent e) => e.Data switch
    {
        ConversationStarted { SealedTitle: not null } started => new Entry(e.StreamId, started.SealedTitle, null, started.At) { IsTitle = true },
        ConversationRenamed renamed => new Entry(e.StreamId, renamed.SealedTitle, null, renamed.At) { IsTitle = true },
        MessageAdded added => new Entry(added.MessageId, added.SealedBody, added.Model, added.At),
        ReplyEnded ended => new Entry(ended.MessageId, ended.SealedBody, null, ended.At),
        _ => null,
    };

    private sealed record Entry(Guid Id, string? Sealed, string? Model, DateTimeOffset At)
    {
        public bool IsTitle { get; init; }
    }

    [LoggerMessage(LogLevel.Warning, "The text of {Id} cannot be opened and is left out of the search")]
    private static partial void LogUnreadable(ILogger logger, Exception exception, Guid id);
}
