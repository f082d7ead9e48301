using LlmPlatform.Chat.Conversations;
using LlmPlatform.SharedKernel;
using Marten;
using Npgsql;

namespace LlmPlatform.Chat.Replies;

/// <summary>A reply whose host has given no sign of life for too long.</summary>
public sealed record AbandonedReply(Guid ConversationId, Guid MessageId, Guid OwnerId);

/// <summary>A piece on its way into the table.</summary>
public sealed record ReplyPiece(Guid MessageId, long Place, string SealedParts);

/// <summary>Reads and writes what is known of replies while they are written.</summary>
public sealed class ReplyTables(NpgsqlDataSource database, SubjectVault vault, TimeProvider time)
{
    /// <summary>A reply counts as abandoned so long after the last sign of life.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(6);

    /// <summary>Adds a reply to the session's unit of work: from the commit on it is alive for a while, whatever becomes of this host.</summary>
    public static void Begin(IDocumentSession session, ReplyOrder order, DateTimeOffset now) => session.QueueSqlCommand(
        "insert into chat.running_replies (message_id, conversation_id, owner_id, number, alive_until) values (?, ?, ?, ?, ?)",
        order.MessageId, order.ConversationId, order.Asker.Id, order.Number, (now + Lease).ToUniversalTime());

    /// <summary>Removes it with its pieces, which the event that ends it replaces.</summary>
    public static void End(IDocumentSession session, Guid messageId) => EndWhere(session, "message_id", messageId);

    public static void EndAll(IDocumentSession session, Guid conversationId) => EndWhere(session, "conversation_id", conversationId);

    public static void EndAllOf(IDocumentSession session, Guid owner) => EndWhere(session, "owner_id", owner);

    // The first statement waits for pieces that are on their way, so that the second finds them; after the third none can come.
    private static void EndWhere(IDocumentSession session, string column, Guid value)
    {
        session.QueueSqlCommand($"select 1 from chat.running_replies where {column} = ? order by message_id for update", value);
        session.QueueSqlCommand($"delete from chat.reply_pieces p using chat.running_replies r where r.message_id = p.message_id and r.{column} = ?", value);
        session.QueueSqlCommand($"delete from chat.running_replies where {column} = ?", value);
    }

    /// <summary>Stores pieces of many replies at once: one commit, however many replies are written. Those of a reply that has ended are not stored.</summary>
    public async Task StoreAsync(IReadOnlyList<ReplyPiece> pieces, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(
            """
            insert into chat.reply_pieces (message_id, place, sealed_parts)
            select p.* from unnest($1::uuid[], $2::bigint[], $3::text[]) p (message_id, place, sealed_parts)
            join chat.running_replies r on r.message_id = p.message_id for key share of r
            on conflict do nothing
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = pieces.Select(p => p.MessageId).ToArray() });
        command.Parameters.Add(new NpgsqlParameter { Value = pieces.Select(p => p.Place).ToArray() });
        command.Parameters.Add(new NpgsqlParameter { Value = pieces.Select(p => p.SealedParts).ToArray() });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>What is stored of a reply that is being written, or was when its host ended: what its message says, and the pieces that came since.</summary>
    public async Task<MessageBody> ReadAsync(Guid owner, Message message, CancellationToken cancellation)
    {
        var log = new ReplyLog((await vault.OpenBodyAsync(owner, message, cancellation)).Parts);
        await using var command = database.CreateCommand("select place, sealed_parts from chat.reply_pieces where message_id = $1 order by place");
        command.Parameters.AddWithValue(message.Id);
        await using var row = await command.ExecuteReaderAsync(cancellation);
        while (await row.ReadAsync(cancellation))
        {
            // A hole would be text that nobody has seen, with what came after it; there is none as long as pieces are written in their order.
            if (row.GetInt64(0) != log.Length || await vault.OpenJsonAsync<MessagePart[]>(owner, row.GetString(1), cancellation) is not { } parts)
            {
                break;
            }

            foreach (var part in parts)
            {
                log.Add(part);
            }
        }

        return log.ToBody();
    }

    /// <summary>The reply of a conversation that has to end before this one may begin; null where there is none.</summary>
    public async Task<Guid?> FindPredecessorAsync(ReplyOrder order, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(
            "select message_id from chat.running_replies where conversation_id = $1 and number < $2 order by number desc limit 1");
        command.Parameters.AddWithValue(order.ConversationId);
        command.Parameters.AddWithValue(order.Number);
        return (Guid?)await command.ExecuteScalarAsync(cancellation);
    }

    /// <summary>Says that these replies are still written, and gives those that nobody wants any more: they were stopped at another host, or are gone.</summary>
    public async Task<IReadOnlyList<Guid>> RenewAsync(IReadOnlyList<Guid> messages, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand("update chat.running_replies set alive_until = $2 where message_id = any($1) returning message_id, is_stopped");
        command.Parameters.Add(new NpgsqlParameter { Value = messages.ToArray() });
        command.Parameters.AddWithValue((time.GetUtcNow() + Lease).ToUniversalTime());
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var unwanted = messages.ToHashSet();
        while (await row.ReadAsync(cancellation))
        {
            if (!row.GetBoolean(1))
            {
                unwanted.Remove(row.GetGuid(0));
            }
        }

        return [.. unwanted];
    }

    /// <summary>Asks the host that writes a reply to stop it.</summary>
    public async Task StopAsync(Guid messageId, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand("update chat.running_replies set is_stopped = true where message_id = $1");
        command.Parameters.AddWithValue(messageId);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Replies that nobody writes any more.</summary>
    /// <param name="isAlone">No other host uses this database, so that what this one does not write nobody does.</param>
    /// <param name="own">Replies that this host writes.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<IReadOnlyList<AbandonedReply>> ReadAbandonedAsync(bool isAlone, IReadOnlyList<Guid> own, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(
            "select conversation_id, message_id, owner_id from chat.running_replies where (alive_until < $1 or $2) and not message_id = any($3) order by number limit 200");
        command.Parameters.AddWithValue(time.GetUtcNow().ToUniversalTime());
        command.Parameters.AddWithValue(isAlone);
        command.Parameters.Add(new NpgsqlParameter { Value = own.ToArray() });
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var abandoned = new List<AbandonedReply>();
        while (await row.ReadAsync(cancellation))
        {
            abandoned.Add(new AbandonedReply(row.GetGuid(0), row.GetGuid(1), row.GetGuid(2)));
        }

        return abandoned;
    }
}
