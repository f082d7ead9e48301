using LlmPlatform.Chat.Conversations;
using LlmPlatform.SharedKernel;
using Marten;
using Npgsql;

namespace LlmPlatform.Chat.Replies;

/// <summary>A reply whose host has given no sign of life for too long.</summary>
public sealed record AbandonedReply(Guid ConversationId, Guid MessageId, Guid OwnerId, long Number);

/// <summary>A piece on its way into the table, of one attempt at a reply: a reply that is continued is another attempt at the same message.</summary>
public sealed record ReplyPiece(Guid MessageId, long Number, long Place, string SealedParts);

/// <summary>Reads and writes what is known of replies while they are written.</summary>
public sealed class ReplyTables(NpgsqlDataSource database, SubjectVault vault, TimeProvider time)
{
    /// <summary>A reply counts as abandoned so long after the last sign of life.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(6);

    /// <summary>Adds a reply to the session's unit of work: from the commit on it is alive for a while, whatever becomes of this host.</summary>
    public static void Begin(IDocumentSession session, ReplyOrder order, DateTimeOffset now) => session.QueueSqlCommand(
        "insert into chat.running_replies (message_id, conversation_id, owner_id, number, alive_until) values (?, ?, ?, ?, greatest(?, clock_timestamp() + interval '6 seconds'))", // it may have waited long for its turn to be taken
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

    /// <summary>Stores pieces of many replies at once: one commit, however many replies are written. Gives the replies whose pieces are stored; those of one that has ended are not.</summary>
    public async Task<IReadOnlySet<Guid>> StoreAsync(IReadOnlyList<ReplyPiece> pieces, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(
            """
            insert into chat.reply_pieces (message_id, place, sealed_parts)
            select p.message_id, p.place, p.sealed_parts from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[]) p (message_id, number, place, sealed_parts)
            join chat.running_replies r on r.message_id = p.message_id and r.number = p.number for key share of r
            on conflict (message_id, place) do update set sealed_parts = excluded.sealed_parts
            returning message_id
            """); // a piece that was stored without our knowing is a part of the one that is stored instead
        command.Parameters.Add(new NpgsqlParameter { Value = pieces.Select(p => p.MessageId).ToArray() });
        command.Parameters.Add(new NpgsqlParameter { Value = pieces.Select(p => p.Number).ToArray() });
        command.Parameters.Add(new NpgsqlParameter { Value = pieces.Select(p => p.Place).ToArray() });
        command.Parameters.Add(new NpgsqlParameter { Value = pieces.Select(p => p.SealedParts).ToArray() });
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var stored = new HashSet<Guid>();
        while (await row.ReadAsync(cancellation))
        {
            stored.Add(row.GetGuid(0));
        }

        return stored;
    }

    /// <summary>What is stored of a reply that is being written, or was when its host ended: what its message says, and the pieces that came since.</summary>
    public async Task<MessageBody> ReadAsync(Guid owner, Message message, CancellationToken cancellation)
    {
        var log = new ReplyLog((await vault.OpenBodyAsync(owner, message, cancellation)).Parts);
        await ReadOnAsync(log, owner, message.Id, cancellation);
        return log.ToBody();
    }

    /// <summary>Adds the pieces that have been stored since a log was read.</summary>
    internal async Task ReadOnAsync(ReplyLog log, Guid owner, Guid messageId, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var command = Pieces(messageId, log.Length);
        command.Connection = connection;
        await AddAsync(log, owner, await command.ExecuteReaderAsync(cancellation), cancellation);
    }

    /// <summary>The same in a transaction that first keeps others from storing more, so that nothing comes after what was read.</summary>
    internal async Task<MessageBody> ReadLastAsync(IDocumentSession session, Guid owner, Message message, CancellationToken cancellation)
    {
        var log = new ReplyLog((await vault.OpenBodyAsync(owner, message, cancellation)).Parts);
        await using var locking = new NpgsqlCommand("select 1 from chat.running_replies where message_id = $1 for update");
        locking.Parameters.AddWithValue(message.Id);
        await session.ExecuteAsync(locking, cancellation);
        await using var command = Pieces(message.Id, log.Length);
        await AddAsync(log, owner, await session.ExecuteReaderAsync(command, cancellation), cancellation);
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

    /// <summary>Says that these replies are still written. Gives those that somebody stopped at another host, and those that this host does not own any more.</summary>
    public async Task<(IReadOnlyList<Guid> Stopped, IReadOnlyList<Guid> Lost)> RenewAsync(IReadOnlyList<ReplyOrder> replies, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(
            """
            update chat.running_replies r set alive_until = $3 from unnest($1::uuid[], $2::bigint[]) o (message_id, number)
            where r.message_id = o.message_id and r.number = o.number returning r.message_id, r.is_stopped
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = replies.Select(r => r.MessageId).ToArray() });
        command.Parameters.Add(new NpgsqlParameter { Value = replies.Select(r => r.Number).ToArray() });
        command.Parameters.AddWithValue((time.GetUtcNow() + Lease).ToUniversalTime());
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var (stopped, lost) = (new List<Guid>(), replies.Select(r => r.MessageId).ToHashSet());
        while (await row.ReadAsync(cancellation))
        {
            lost.Remove(row.GetGuid(0));
            if (row.GetBoolean(1))
            {
                stopped.Add(row.GetGuid(0));
            }
        }

        return (stopped, [.. lost]);
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
            "select conversation_id, message_id, owner_id, number from chat.running_replies where (alive_until < $1 or $2) and not message_id = any($3) order by number limit 200");
        command.Parameters.AddWithValue(time.GetUtcNow().ToUniversalTime());
        command.Parameters.AddWithValue(isAlone);
        command.Parameters.Add(new NpgsqlParameter { Value = own.ToArray() });
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var abandoned = new List<AbandonedReply>();
        while (await row.ReadAsync(cancellation))
        {
            abandoned.Add(new AbandonedReply(row.GetGuid(0), row.GetGuid(1), row.GetGuid(2), row.GetInt64(3)));
        }

        return abandoned;
    }

    private static NpgsqlCommand Pieces(Guid messageId, long from)
    {
        var command = new NpgsqlCommand("select place, sealed_parts from chat.reply_pieces where message_id = $1 and place >= $2 order by place");
        command.Parameters.AddWithValue(messageId);
        command.Parameters.AddWithValue(from);
        return command;
    }

    private async Task AddAsync(ReplyLog log, Guid owner, System.Data.Common.DbDataReader row, CancellationToken cancellation)
    {
        await using (row)
        {
            // A hole would be text that nobody has seen, with what came after it; there is none, because pieces are written in their order.
            while (await row.ReadAsync(cancellation) && row.GetInt64(0) == log.Length
                && await vault.OpenJsonAsync<MessagePart[]>(owner, row.GetString(1), cancellation) is { } parts)
            {
                foreach (var part in parts)
                {
                    log.Add(part);
                }
            }
        }
    }
}
