using System.Data.Common;
using System.Runtime.CompilerServices;
using LlmPlatform.Admin.Contracts;
using LlmPlatform.SharedKernel;
using Marten;
using Npgsql;

namespace LlmPlatform.Admin.Audit;

/// <summary>Appends to the audit chain and reads it.</summary>
public sealed class AuditTrail(MasterKey master)
{
    private const string Columns = "seq, id, actor_id, action, target, at, prev_hash, hash";
    private const string Table = $"admin.{AuditSchema.TableName}";
    private readonly byte[] key = master.DeriveKey("admin.audit");

    /// <summary>Adds an act to the chain in the session's transaction; an act that is there already changes nothing.</summary>
    public async Task AppendAsync(IDocumentSession session, ActPerformed act, CancellationToken cancellation)
    {
        // The queue is sequential, but a second host has a queue of its own, and two entries after one would fork the chain.
        await session.LockAsync("admin.audit", cancellation);
        if (await ReadAsync(session, $"where id = $1", [act.Id], cancellation) is not [])
        {
            return;
        }

        var last = await ReadAsync(session, "order by seq desc limit 1", [], cancellation);
        var entry = AuditEntry.After(last.SingleOrDefault(), act, key);
        session.QueueSqlCommand(
            $"insert into {Table} ({Columns}) values (?, ?, ?, ?, ?, ?, ?, ?)",
            entry.Seq, entry.Id, entry.ActorId, entry.Action, entry.Target, entry.At, entry.PrevHash, entry.Hash);
    }

    /// <summary>Entries older than <paramref name="before"/>, newest first.</summary>
    public static async Task<IReadOnlyList<AuditEntry>> ListAsync(IQuerySession session, AuditFilter filter, int rows, CancellationToken cancellation) =>
        await ReadAsync(
            session,
            """
            where ($1::bigint is null or seq < $1) and ($2::text is null or action = $2) and ($3::uuid is null or actor_id = $3)
              and ($4::text is null or target = $4)
            order by seq desc limit $5
            """,
            [filter.Before, filter.Action, filter.Actor, filter.Target, rows],
            cancellation);

    /// <summary>Reads the whole chain and names the first entry that is not what was written.</summary>
    public async Task<AuditVerification> VerifyAsync(IQuerySession session, CancellationToken cancellation)
    {
        AuditEntry? last = null;
        await foreach (var entry in StreamAsync(session, "order by seq", [], cancellation))
        {
            if (!entry.Follows(last, key))
            {
                return new AuditVerification(false, last?.Seq ?? 0, last?.Hash ?? AuditEntry.NoHash, (last?.Seq ?? 0) + 1);
            }

            last = entry;
        }

        return new AuditVerification(true, last?.Seq ?? 0, last?.Hash ?? AuditEntry.NoHash, null);
    }

    private static async Task<IReadOnlyList<AuditEntry>> ReadAsync(IQuerySession session, string clause, object?[] values, CancellationToken cancellation) =>
        await StreamAsync(session, clause, values, cancellation).ToListAsync(cancellation);

    private static async IAsyncEnumerable<AuditEntry> StreamAsync(
        IQuerySession session,
        string clause,
        object?[] values,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"select {Columns} from {Table} {clause}");
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value });
        }

        await using var reader = await session.ExecuteReaderAsync(command, cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            yield return await EntryAsync(reader, cancellation);
        }
    }

    private static async ValueTask<AuditEntry> EntryAsync(DbDataReader row, CancellationToken cancellation) => new(
        row.GetInt64(0),
        row.GetGuid(1),
        row.GetGuid(2),
        row.GetString(3),
        row.GetString(4),
        await row.GetFieldValueAsync<DateTimeOffset>(5, cancellation),
        row.GetString(6),
        row.GetString(7));
}

/// <summary>Which entries are asked for; a null asks for all.</summary>
public sealed record AuditFilter(long? Before, string? Action, Guid? Actor, string? Target);

/// <summary>Whether the chain is whole. <see cref="Entries"/> and <see cref="Head"/> are worth noting elsewhere: a chain that was cut at its end is whole, but shorter.</summary>
/// <param name="IsIntact">Whether every entry is what was written.</param>
/// <param name="Entries">How many were found good.</param>
/// <param name="Head">Hash of the last good entry.</param>
/// <param name="FirstBadSeq">The first entry that is missing or not what was written.</param>
public sealed record AuditVerification(bool IsIntact, long Entries, string Head, long? FirstBadSeq);
