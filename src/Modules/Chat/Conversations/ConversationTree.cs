using System.Collections.Immutable;
using JasperFx.Events;
using Marten;
using Marten.Events.Projections;

namespace LlmPlatform.Chat.Conversations;

/// <summary>A conversation with messages of it, as its events make them: all of them, or those that the events are about.</summary>
internal sealed record ConversationTree(Conversation Head, ImmutableDictionary<Guid, Message> Messages)
{
    public static ConversationTree? Replay(IEnumerable<object> events) => events.Aggregate((ConversationTree?)null, Apply);

    public static ConversationTree? Apply(ConversationTree? tree, object e) => (tree, e) switch
    {
        (null, ConversationStarted started) => new(Conversation.Create(started), ImmutableDictionary<Guid, Message>.Empty),
        (null, _) => null,
        ({ } known, _) => known.With(ApplyToHead(known.Head, e), e),
    };

    /// <summary>The same for the head alone, whatever messages are here.</summary>
    public static Conversation ApplyToHead(Conversation head, object e) => e switch
    {
        MessageAdded added => head.Apply(added),
        ReplyStarted started => head.Apply(started),
        ReplyContinued continued => head.Apply(continued),
        ReplyEnded ended => head.Apply(ended),
        BranchChosen chosen => head.Apply(chosen),
        ConversationRenamed renamed => head.Apply(renamed),
        ConversationConfigured configured => head.Apply(configured),
        ConversationFiled filed => head.Apply(filed),
        ConversationBinned binned => head.Apply(binned),
        ConversationRestored restored => head.Apply(restored),
        _ => throw new InvalidOperationException($"A conversation has no {e.GetType().Name}."),
    };

    /// <summary>The messages from the first to this one.</summary>
    public IReadOnlyList<Message> BranchTo(Guid? leaf)
    {
        var branch = new List<Message>();
        for (var at = leaf; at is { } id && Messages.TryGetValue(id, out var message); at = message.ParentId)
        {
            branch.Add(message);
        }

        branch.Reverse();
        return branch;
    }

    private ConversationTree With(Conversation head, object e) => new(head, e switch
    {
        MessageAdded added => Messages.SetItem(added.MessageId, Message.Create(added) with { ConversationId = head.Id, Number = head.Version }),
        ReplyStarted started => Messages.SetItem(started.MessageId, Message.Create(started) with { ConversationId = head.Id, Number = head.Version, Attempt = head.Version }),
        ReplyContinued continued => Messages.SetItem(continued.MessageId, Messages[continued.MessageId].Apply(continued) with { Attempt = head.Version }),
        ReplyEnded ended => Messages.SetItem(ended.MessageId, Messages[ended.MessageId].Apply(ended)),
        _ => Messages,
    });
}

/// <summary>
/// Keeps a document per conversation and one per message in step with the events, in their transaction. Only what the events are about is read and
/// written, so the thousandth message costs what the first did.
/// </summary>
internal sealed class ConversationProjection : IProjection
{
    public async Task ApplyAsync(IDocumentOperations operations, IReadOnlyList<IEvent> events, CancellationToken cancellation)
    {
        foreach (var stream in events.GroupBy(e => e.StreamId))
        {
            var tree = await LoadAsync(operations, stream.Key, stream.Select(e => e.Data), cancellation);
            var after = stream.Aggregate(tree, (known, e) => ConversationTree.Apply(known, e.Data));
            if (after is null)
            {
                continue; // a stream that is no conversation
            }

            operations.Store(after.Head);
            operations.Store(after.Messages.Where(m => tree is null || !tree.Messages.TryGetValue(m.Key, out var before) || before != m.Value).Select(m => m.Value).ToArray());
        }
    }

    private static async Task<ConversationTree?> LoadAsync(IQuerySession session, Guid id, IEnumerable<object> events, CancellationToken cancellation)
    {
        if (await session.LoadAsync<Conversation>(id, cancellation) is not { } head)
        {
            return null;
        }

        Guid[] changed = [.. events.Select(e => e switch { ReplyContinued c => c.MessageId, ReplyEnded c => c.MessageId, _ => (Guid?)null }).OfType<Guid>()];
        var messages = changed.Length == 0 ? [] : await session.LoadManyAsync<Message>(cancellation, changed);
        return new ConversationTree(head, messages.ToImmutableDictionary(message => message.Id));
    }
}
