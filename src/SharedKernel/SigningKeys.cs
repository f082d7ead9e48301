using System.Collections.Concurrent;
using System.Security.Cryptography;
using Npgsql;

namespace LlmPlatform.SharedKernel;

/// <summary>One of the platform's ES256 keys; <see cref="Id"/> is the <c>kid</c> of the tokens it signed.</summary>
public sealed record SigningKey(string Id, ECDsa Key);

/// <summary>
/// The ring of keys that sign tokens, shared by every node through the database and wrapped by the master key. A key is shown a day, and never less than
/// an hour, before it signs, so that whoever verifies has it by then; it signs for 30 days, and verifies for one more, which outlives every token it signed.
/// </summary>
public sealed class SigningKeys(NpgsqlDataSource database, MasterKey master, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(30);
    private static readonly TimeSpan Overlap = TimeSpan.FromDays(1);
    private static readonly TimeSpan Notice = TimeSpan.FromDays(1);
    private static readonly TimeSpan LeastNotice = TimeSpan.FromHours(1);
    private static readonly TimeSpan Freshness = TimeSpan.FromMinutes(1);

    // Clocks of nodes differ: what one has just begun to sign with is not refused by another that is a little late.
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(1);

    // A forged key id must not buy a database read each time it is sent.
    private static readonly TimeSpan ReloadPause = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, SigningKey> opened = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim loading = new(1, 1);
    private volatile Ring? ring;

    /// <summary>The key that signs now.</summary>
    public async ValueTask<SigningKey> CurrentAsync(CancellationToken cancellation)
    {
        var keys = (await RingAsync(Freshness, cancellation)).Keys;
        var now = clock.GetUtcNow();
        return (keys.FirstOrDefault(key => key.ActivatesAt <= now) ?? keys[^1]).Key; // the very first may be of a node whose clock is ahead
    }

    /// <summary>Every key that verifies now or will: the next one first where there is one, then the one that signs, then the one before it.</summary>
    public async ValueTask<IReadOnlyList<SigningKey>> AllAsync(CancellationToken cancellation) =>
        [.. (await RingAsync(Freshness, cancellation)).Keys.Where(key => !key.IsOverAt(clock.GetUtcNow())).Select(key => key.Key)];

    /// <summary>A key that verifies now, or null. Another node may have made it a moment ago, so an unknown id looks once more.</summary>
    public async ValueTask<SigningKey?> FindAsync(string id, CancellationToken cancellation) =>
        Find(await RingAsync(Freshness, cancellation), id) ?? Find(await RingAsync(ReloadPause, cancellation), id);

    public void Dispose() => loading.Dispose();

    private SigningKey? Find(Ring ring, string id)
    {
        var now = clock.GetUtcNow();
        return ring.Keys.FirstOrDefault(key => key.Key.Id == id && key.ActivatesAt <= now + Skew && !key.IsOverAt(now))?.Key;
    }

    private async ValueTask<Ring> RingAsync(TimeSpan maximumAge, CancellationToken cancellation)
    {
        if (ring is { } known && clock.GetUtcNow() - known.ReadAt < maximumAge)
        {
            return known;
        }

        await loading.WaitAsync(cancellation);
        try
        {
            return ring is { } loaded && clock.GetUtcNow() - loaded.ReadAt < maximumAge ? loaded : ring = await LoadAsync(cancellation);
        }
        finally
        {
            loading.Release();
        }
    }

    private async Task<Ring> LoadAsync(CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var rows = await ReadAsync(connection, cancellation);
        if (NextActivation(rows, now) is not null)
        {
            rows = await RotateAsync(connection, now, cancellation);
        }

        return new Ring([.. rows.Select((row, age) => new Scheduled(Open(row), row.ActivatesAt, age == 0 ? null : rows[age - 1].ActivatesAt + Overlap))], now);
    }

    /// <summary>When a key that has to be made now shall begin to sign; null where none has to be.</summary>
    private static DateTimeOffset? NextActivation(List<Row> rows, DateTimeOffset now)
    {
        if (rows.Count == 0)
        {
            return now;
        }

        var retires = rows[0].ActivatesAt + Lifetime;
        return now < retires - Notice ? null : retires - now > LeastNotice ? retires : now + LeastNotice;
    }

    private async Task<List<Row>> RotateAsync(NpgsqlConnection connection, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var takeTurn = new NpgsqlCommand("select pg_advisory_xact_lock(hashtextextended('shared.signing_keys', 0))", connection))
        {
            await takeTurn.ExecuteNonQueryAsync(cancellation);
        }

        // Another node may have been here first, and its key is as good as ours.
        var rows = await ReadAsync(connection, cancellation);
        if (NextActivation(rows, now) is { } activatesAt)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            await using var insert = new NpgsqlCommand("insert into shared.signing_keys (id, wrapped, created_at, activates_at) values ($1, $2, $3, $4)", connection);
            insert.Parameters.AddWithValue(Guid.CreateVersion7(now).ToString("n"));
            insert.Parameters.AddWithValue(master.Wrap(key.ExportPkcs8PrivateKey()));
            insert.Parameters.AddWithValue(now.ToUniversalTime());
            insert.Parameters.AddWithValue(activatesAt.ToUniversalTime());
            await insert.ExecuteNonQueryAsync(cancellation);
            rows = await ReadAsync(connection, cancellation);
        }

        await transaction.CommitAsync(cancellation);
        return rows;
    }

    private static async Task<List<Row>> ReadAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            "select id, wrapped, coalesce(activates_at, created_at) as active from shared.signing_keys order by active desc, id desc limit 3", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<Row>();
        while (await reader.ReadAsync(cancellation))
        {
            rows.Add(new Row(reader.GetString(0), (byte[])reader[1], await reader.GetFieldValueAsync<DateTimeOffset>(2, cancellation)));
        }

        return rows;
    }

    private SigningKey Open(Row row) => opened.GetOrAdd(row.Id, id =>
    {
        var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(master.Unwrap(row.Wrapped), out _);
        return new SigningKey(id, key);
    });

    private sealed record Row(string Id, byte[] Wrapped, DateTimeOffset ActivatesAt);

    private sealed record Scheduled(SigningKey Key, DateTimeOffset ActivatesAt, DateTimeOffset? OverAt)
    {
        public bool IsOverAt(DateTimeOffset now) => OverAt <= now;
    }

    /// <summary>Newest first. What each key may do is asked of the clock and not of the moment in which the ring was read.</summary>
    private sealed record Ring(IReadOnlyList<Scheduled> Keys, DateTimeOffset ReadAt);
}
