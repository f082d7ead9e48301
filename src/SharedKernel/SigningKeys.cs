using System.Collections.Concurrent;
using System.Security.Cryptography;
using Npgsql;

namespace LlmPlatform.SharedKernel;

/// <summary>One of the platform's ES256 keys; <see cref="Id"/> is the <c>kid</c> of the tokens it signed.</summary>
public sealed record SigningKey(string Id, ECDsa Key);

/// <summary>
/// The ring of keys that sign tokens, shared by every node through the database and wrapped by the master key. A key signs for 30 days; after
/// that it only verifies, for a day, which outlives every token it signed.
/// </summary>
public sealed class SigningKeys(NpgsqlDataSource database, MasterKey master, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(30);
    private static readonly TimeSpan Overlap = TimeSpan.FromDays(1);
    private static readonly TimeSpan Freshness = TimeSpan.FromMinutes(1);

    // A forged key id must not buy a database read each time it is sent.
    private static readonly TimeSpan ReloadPause = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, SigningKey> opened = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim loading = new(1, 1);
    private volatile Ring? ring;

    /// <summary>The key that signs now.</summary>
    public async ValueTask<SigningKey> CurrentAsync(CancellationToken cancellation) => (await RingAsync(Freshness, cancellation)).Keys[0];

    /// <summary>Every key that still verifies, the signing one first.</summary>
    public async ValueTask<IReadOnlyList<SigningKey>> AllAsync(CancellationToken cancellation) => (await RingAsync(Freshness, cancellation)).Keys;

    /// <summary>A key that still verifies, or null. Another node may have made it a moment ago, so an unknown id looks once more.</summary>
    public async ValueTask<SigningKey?> FindAsync(string id, CancellationToken cancellation) =>
        Find(await RingAsync(Freshness, cancellation), id) ?? Find(await RingAsync(ReloadPause, cancellation), id);

    public void Dispose() => loading.Dispose();

    private static SigningKey? Find(Ring ring, string id) => ring.Keys.FirstOrDefault(key => key.Id == id);

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
        if (rows.Count == 0 || now - rows[0].CreatedAt > Lifetime)
        {
            rows = await RotateAsync(connection, now, cancellation);
        }

        var valid = rows.Where((_, age) => age == 0 || now - rows[age - 1].CreatedAt < Overlap).Select(Open);
        return new Ring([.. valid], now);
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
        if (rows.Count == 0 || now - rows[0].CreatedAt > Lifetime)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            await using var insert = new NpgsqlCommand("insert into shared.signing_keys (id, wrapped, created_at) values ($1, $2, $3)", connection);
            insert.Parameters.AddWithValue(Guid.CreateVersion7(now).ToString("n"));
            insert.Parameters.AddWithValue(master.Wrap(key.ExportPkcs8PrivateKey()));
            insert.Parameters.AddWithValue(now.ToUniversalTime());
            await insert.ExecuteNonQueryAsync(cancellation);
            rows = await ReadAsync(connection, cancellation);
        }

        await transaction.CommitAsync(cancellation);
        return rows;
    }

    private static async Task<List<Row>> ReadAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("select id, wrapped, created_at from shared.signing_keys order by created_at desc, id desc limit 3", connection);
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

    private sealed record Row(string Id, byte[] Wrapped, DateTimeOffset CreatedAt);

    private sealed record Ring(IReadOnlyList<SigningKey> Keys, DateTimeOffset ReadAt);
}
