using System.Collections.Immutable;
using LlmPlatform.SharedKernel;
using Marten;

namespace LlmPlatform.Chat.Conversations;

/// <summary>How commands take a conversation: for whoever owns it, alone with it until the commit, and only as it was when they decided.</summary>
internal static class ConversationSession
{
    /// <exception cref="Refusal"><c>conversation.not_found</c></exception>
    public static async Task<Conversation> ConversationAsync(this IQuerySession session, Guid id, Guid owner, CancellationToken cancellation) =>
        await session.LoadAsync<Conversation>(id, cancellation) is { } conversation && conversation.OwnerId == owner ? conversation : throw NotFound();

    /// <summary>Waits for others who change it; what is read after this stays true until the commit.</summary>
    /// <exception cref="Refusal"><c>conversation.not_found</c></exception>
    public static async Task<Conversation> TakeConversationAsync(this IDocumentSession session, Guid id, Guid owner, CancellationToken cancellation)
    {
        await session.LockConversationAsync(id, owner, cancellation);
        return await session.ConversationAsync(id, owner, cancellation);
    }

    /// <summary>Waits for others who change it. The owner is a part of the lock, so that a stranger who knows the id makes nobody wait.</summary>
    public static Task LockConversationAsync(this IDocumentSession session, Guid id, Guid owner, CancellationToken cancellation) =>
        session.LockAsync($"conversation:{owner:n}:{id:n}", cancellation);

    /// <summary>A message of it; ids of other conversations are no better known than ids that do not exist.</summary>
    /// <exception cref="Refusal"><c>message.not_found</c></exception>
    public static async Task<Message> MessageAsync(this IQuerySession session, Conversation conversation, Guid id, CancellationToken cancellation) =>
        await session.LoadAsync<Message>(id, cancellation) is { } message && message.ConversationId == conversation.Id
            ? message
            : throw Refusal.NotFound("message.not_found", "There is no such message in this conversation.");

    /// <summary>A conversation with all its messages, as they were at one moment.</summary>
    /// <exception cref="Refusal"><c>conversation.not_found</c></exception>
    public static async Task<ConversationTree> TreeAsync(this IQuerySession session, Guid id, Guid owner, CancellationToken cancellation)
    {
        // Two reads may have a commit between them; then the version would not be that of the messages.
        var before = await session.ConversationAsync(id, owner, cancellation);
        while (true)
        {
            var messages = await session.MessagesOfAsync(id, cancellation);
            var after = await session.ConversationAsync(id, owner, cancellation);
            if (after.Version == before.Version)
            {
                return new ConversationTree(after, messages);
            }

            before = after;
        }
    }

    /// <summary>All messages of a conversation.</summary>
    public static async Task<ImmutableDictionary<Guid, Message>> MessagesOfAsync(this IQuerySession session, Guid conversationId, CancellationToken cancellation) =>
        (await session.Query<Message>().Where(m => m.ConversationId == conversationId).ToListAsync(cancellation)).ToImmutableDictionary(m => m.Id);

    /// <summary>Adds events to what the commit writes, and gives the conversation as it is going to be.</summary>
    public static Conversation Append(this IDocumentSession session, Conversation conversation, params IReadOnlyList<object> events)
    {
        session.Events.Append(conversation.Id, conversation.Version + events.Count, events);
        return events.Aggregate(conversation, ConversationTree.ApplyToHead);
    }

    /// <summary>Refuses a change to the messages by somebody who has not seen the last one.</summary>
    /// <exception cref="Refusal"><c>version.conflict</c> with the version there is.</exception>
    public static void ExpectTree(this Conversation conversation, long? expected) => Expect(conversation, conversation.TreeVersion, expected);

    /// <summary>The same for all else that its owner sets.</summary>
    /// <exception cref="Refusal"><c>version.conflict</c> with the version there is.</exception>
    public static void ExpectSettings(this Conversation conversation, long? expected) => Expect(conversation, conversation.SettingsVersion, expected);

    /// <exception cref="Refusal"><c>conversation.in_bin</c></exception>
    public static void ExpectNotBinned(this Conversation conversation)
    {
        if (conversation.BinnedAt is not null)
        {
            throw new Refusal(new Error(409, "conversation.in_bin", "The conversation is in the bin. Restore it first."));
        }
    }

    public static Refusal NotFound() => Refusal.NotFound("conversation.not_found", "There is no such conversation.");

    private static void Expect(Conversation conversation, long since, long? expected)
    {
        // What happened since then and is not about the same thing undoes nothing: a reply that ended, a title that came.
        if (expected is { } version && (version < since || version > conversation.Version))
        {
            throw new Refusal(new Error(
                409, "version.conflict", $"The conversation was changed in the meantime; it is at version {conversation.Version} now. Read it again and repeat your change.", "expectedVersion")
            {
                More = new Dictionary<string, object?> { ["version"] = conversation.Version },
            });
        }
    }
}
