using System.Runtime.CompilerServices;
using System.Text.Json;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.Chat.Folders;
using LlmPlatform.Chat.Replies;
using LlmPlatform.SharedKernel;
using Marten;
using Npgsql;

namespace LlmPlatform.Chat.Transfer;

/// <summary>Takes conversations out of the platform, one at a time: however many somebody has, one of them is in memory.</summary>
internal sealed class ConversationExport(IChatStore store, NpgsqlDataSource database, ReplyTables replies, SubjectVault vault)
{
    /// <exception cref="Refusal"><c>conversation.not_found</c></exception>
    public async Task<ConversationFile> ReadAsync(Guid id, Guid owner, CancellationToken cancellation)
    {
        await using var session = store.QuerySession();
        return await ReadAsync(session, await session.ConversationAsync(id, owner, cancellation), cancellation);
    }

    /// <summary>Those of one person, the oldest first; what lies in the bin only where it is asked for.</summary>
    public async IAsyncEnumerable<ConversationFile> ReadAllAsync(Guid owner, bool withBin, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var session = store.QuerySession();
        foreach (var id in await IdsAsync(owner, withBin, cancellation))
        {
            if (await session.LoadAsync<Conversation>(id, cancellation) is { } head) // it may have been deleted meanwhile
            {
                yield return await ReadAsync(session, head, cancellation);
            }
        }
    }

    /// <summary>All of them as one JSON array.</summary>
    public async Task WriteAllAsync(Stream to, Guid owner, bool withBin, CancellationToken cancellation) =>
        await JsonSerializer.SerializeAsync(to, ReadAllAsync(owner, withBin, cancellation), ConversationFiles.Json, cancellation);

    private async Task<List<Guid>> IdsAsync(Guid owner, bool withBin, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand("select id from chat.mt_doc_conversation where owner_id = $1 and ($2 or binned_at is null) order by id");
        command.Parameters.AddWithValue(owner);
        command.Parameters.AddWithValue(withBin);
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var ids = new List<Guid>();
        while (await row.ReadAsync(cancellation))
        {
            ids.Add(row.GetGuid(0));
        }

        return ids;
    }

    private async Task<ConversationFile> ReadAsync(IQuerySession session, Conversation head, CancellationToken cancellation)
    {
        var messages = new List<MessageFile>(head.Messages);
        foreach (var message in (await session.MessagesOfAsync(head.Id, cancellation)).Values.OrderBy(message => message.Number))
        {
            messages.Add(await ReadAsync(head.OwnerId, message, cancellation));
        }

        var folder = head.FolderId is { } id ? await session.LoadAsync<Folder>(id, cancellation) : null;
        return new ConversationFile
        {
            Id = head.Id.ToString(),
            Title = await vault.OpenOrNullAsync(head.OwnerId, head.SealedTitle, cancellation),
            Model = head.Model,
            SystemPrompt = await vault.OpenOrNullAsync(head.OwnerId, head.SealedSystemPrompt, cancellation),
            Settings = head.Settings,
            IsPinned = head.IsPinned,
            IsArchived = head.IsArchived,
            Tags = await vault.OpenJsonAsync<string[]>(head.OwnerId, head.SealedTags, cancellation) ?? [],
            Folder = await vault.OpenOrNullAsync(head.OwnerId, folder?.SealedName, cancellation),
            ActiveLeaf = head.ActiveLeaf?.ToString(),
            StartedAt = head.StartedAt,
            BinnedAt = head.BinnedAt,
            Messages = messages,
        };
    }

    private async Task<MessageFile> ReadAsync(Guid owner, Message message, CancellationToken cancellation)
    {
        // A reply that is being written is taken as far as it is stored; nobody goes on with it in a file.
        var isStreaming = message.State == MessageState.Streaming;
        var body = isStreaming ? await replies.ReadAsync(owner, message, cancellation) : await vault.OpenBodyAsync(owner, message, cancellation);
        return new MessageFile
        {
            Id = message.Id.ToString(),
            ParentId = message.ParentId?.ToString(),
            Role = message.Role,
            Model = message.Model,
            State = isStreaming ? MessageState.Interrupted : message.State,
            Parts = [.. body.Parts.Select(PartFile.Of)],
            Attachments = body.Attachments,
            FinishReason = message.FinishReason,
            Usage = message.Usage,
            Error = message.Error,
            EditOf = message.EditOf?.ToString(),
            At = message.At,
            EndedAt = message.EndedAt,
        };
    }
}
