using FluentValidation;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.Chat.Folders;
using LlmPlatform.SharedKernel;
using Marten;

namespace LlmPlatform.Chat.Transfer;

/// <summary>
/// Makes a conversation of a file the caller's own, in one transaction. Its stream's id is made of the source's id with the owner's key: the same
/// source brought twice, or twice at once, meets the same stream.
/// </summary>
internal sealed class ConversationImport(IChatStore store, SubjectVault vault, IValidator<ConversationFile> validator, TimeProvider clock)
{
    /// <summary>The new conversation; null where it is here already.</summary>
    /// <param name="owner">Whose it will be.</param>
    /// <param name="source">What the file's id is unique in.</param>
    /// <param name="file">The conversation.</param>
    /// <param name="cancellation">Gives it up.</param>
    /// <exception cref="Refusal"><c>import.…</c></exception>
    public async Task<Conversation?> BringAsync(Guid owner, string source, ConversationFile file, CancellationToken cancellation)
    {
        await CheckAsync(file, cancellation);
        var messages = MessageTree.Ordered(file.Messages);
        var digest = await vault.DigestAsync(owner, cancellation) ?? throw Refusal.Unauthenticated(); // erased at this moment
        var origin = digest.TextOf($"chat.import\0{source}\0{file.Id}");
        var id = IdOf(origin);
        await using var session = store.LightweightSession();
        await session.LockConversationAsync(id, owner, cancellation);
        var original = Guid.TryParse(file.Id, out var known) ? await session.LoadAsync<Conversation>(known, cancellation) : null;
        if (original?.OwnerId == owner || await session.Events.FetchStreamStateAsync(id, cancellation) is not null)
        {
            return null;
        }

        var events = await EventsAsync(session, owner, id, $"import:{origin}", file, messages, cancellation);
        session.Events.StartStream(id, events);
        await session.SaveChangesAsync(cancellation);
        return ConversationTree.Replay(events)!.Head;
    }

    private async Task CheckAsync(ConversationFile file, CancellationToken cancellation)
    {
        var result = await validator.ValidateAsync(file, cancellation);
        if (!result.IsValid)
        {
            var first = result.Errors[0];
            throw new Refusal(new Error(422, first.ErrorCode.Contains('.', StringComparison.Ordinal) ? first.ErrorCode : "import.invalid", first.ErrorMessage));
        }
    }

    private async Task<List<object>> EventsAsync(
        IDocumentSession session, Guid owner, Guid id, string origin, ConversationFile file, IReadOnlyList<MessageFile> messages, CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        List<object> events =
        [
            new ConversationStarted(
                id, owner, file.Model, await vault.SealOrNullAsync(owner, file.Title, cancellation), await vault.SealOrNullAsync(owner, file.SystemPrompt, cancellation), file.Settings, file.StartedAt.ToUniversalTime())
            {
                Origin = origin,
            },
        ];
        var ids = messages.ToDictionary(message => message.Id, _ => Guid.CreateVersion7(now));
        foreach (var message in messages)
        {
            var body = new MessageBody([.. message.Parts.Select(part => part.ToPart())]) { Attachments = message.Attachments };
            events.AddRange(Said(message, ids, file.Model, await vault.SealBodyAsync(owner, body, cancellation)));
        }

        if (file is { IsPinned: true } or { IsArchived: true } or { Tags.Count: > 0 } or { Folder: not null })
        {
            var (tags, sealedTags) = await TagDigests.SealAsync(vault, owner, file.Tags, cancellation);
            events.Add(new ConversationFiled(file.IsPinned, file.IsArchived, await FolderAsync(session, owner, file.Folder, now, cancellation), tags, sealedTags, now));
        }

        if (file.ActiveLeaf is { } leaf && (messages is not [.., var last] || last.Id != leaf))
        {
            events.Add(new BranchChosen(ids.TryGetValue(leaf, out var chosen) ? chosen : throw new Refusal(new Error(422, "import.leaf_unknown", "The message that is shown last is not there.")), now));
        }

        return events;
    }

    private static IEnumerable<object> Said(MessageFile message, Dictionary<string, Guid> ids, string model, string body)
    {
        var (id, parent, at) = (ids[message.Id], message.ParentId is { } answered ? ids[answered] : (Guid?)null, message.At.ToUniversalTime());
        var isWholeFromTheBeginning = message is { State: MessageState.Completed, FinishReason: null, Usage: null, Error: null } && (message.EndedAt ?? message.At) == message.At;
        if (message.Role == MessageRoles.User || isWholeFromTheBeginning)
        {
            yield return new MessageAdded(id, parent, message.Role, body, at) { Model = message.Model, EditOf = message.EditOf is { } edited && ids.TryGetValue(edited, out var of) ? of : null };
            yield break;
        }

        yield return new ReplyStarted(id, parent, message.Model ?? model, at);
        yield return new ReplyEnded(id, message.State, body, message.FinishReason, message.Usage, message.Error, (message.EndedAt ?? message.At).ToUniversalTime());
    }

    private async Task<Guid?> FolderAsync(IDocumentSession session, Guid owner, string? name, DateTimeOffset now, CancellationToken cancellation)
    {
        if (name?.Trim() is not { } wanted)
        {
            return null;
        }

        var folders = await session.Query<Folder>().Where(folder => folder.OwnerId == owner).ToListAsync(cancellation);
        foreach (var folder in folders)
        {
            if (await vault.OpenAsync(owner, folder.SealedName, cancellation) == wanted)
            {
                return folder.Id;
            }
        }

        if (folders.Count >= FolderRules.MostFolders)
        {
            throw FolderRules.TooMany();
        }

        var made = new Folder { Id = Guid.CreateVersion7(now), OwnerId = owner, SealedName = await vault.SealAsync(owner, wanted, cancellation), CreatedAt = now };
        session.Insert(made);
        return made.Id;
    }

    // Version 8 is for ids that a program makes in its own way.
    private static Guid IdOf(string digest)
    {
        var bytes = Convert.FromHexString(digest);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x80);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }
}
