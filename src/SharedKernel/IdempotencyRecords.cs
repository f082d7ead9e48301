using System.Text.Json;
using Marten;
using Npgsql;

namespace LlmPlatform.SharedKernel;

/// <summary>A request that its sender may send again. It is the same if user, key and fingerprint are.</summary>
/// <param name="UserId">Whose key it is: keys of different people never meet.</param>
/// <param name="Key">What the sender calls the request.</param>
/// <param name="Fingerprint">SHA-256 of method, address and body.</param>
public sealed record IdempotentRequest(Guid UserId, string Key, byte[] Fingerprint)
{
    /// <summary>Tells this claim of the key from one that follows it, where its host was taken for dead.</summary>
    public Guid Claim { get; } = Guid.CreateVersion7();
}

/// <summary>An answer that is given again, byte for byte.</summary>
public sealed record KeptAnswer(int Status, IReadOnlyDictionary<string, string> Headers, byte[] Body);

/// <summary>What is known of a request's key.</summary>
/// <param name="IsSame">Whether the key was used for this very request.</param>
/// <param name="Answer">Null while it is carried out.</param>
public sealed record KnownRequest(bool IsSame, KeptAnswer? Answer);

/// <summary>
/// Remembers for a day what a key was answered. Work that is one transaction writes its answer into it, so both are there or neither is; work
/// that takes longer claims the key first. Answers may hold secrets or somebody's words, so they are sealed with that person's key.
/// </summary>
public sealed class IdempotencyRecords(NpgsqlDataSource database, SubjectVault vault, TimeProvider clock)
{
    /// <summary>The constraint that a second record of a key breaks.</summary>
    public const string Constraint = "idempotency_pkey";

    /// <summary>A claim counts so long after the last sign of life of its host.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Kept = TimeSpan.FromHours(24);

    /// <summary>What is known of a key, or null where it is new.</summary>
    public async Task<KnownRequest?> FindAsync(IdempotentRequest request, CancellationToken cancellation)
    {
        await using var command = Command(
            "select fingerprint, answer from shared.idempotency where user_id = $1 and key = $2 and expires_at > $3 and (answer is not null or running_until > $3)",
            request.UserId, request.Key, Now);
        await using var row = await command.ExecuteReaderAsync(cancellation);
        if (!await row.ReadAsync(cancellation))
        {
            return null;
        }

        var isSame = row.GetFieldValue<byte[]>(0).AsSpan().SequenceEqual(request.Fingerprint);
        var answer = isSame && !row.IsDBNull(1) ? await vault.OpenAsync(request.UserId, row.GetString(1), cancellation) : null;
        return new KnownRequest(isSame, answer is null ? null : JsonSerializer.Deserialize<KeptAnswer>(answer));
    }

    /// <summary>Writes the answer in the transaction of the work. If that breaks <see cref="Constraint"/>, the work was done already.</summary>
    public async Task KeepAsync(IDocumentSession work, IdempotentRequest request, KeptAnswer answer, CancellationToken cancellation)
    {
        work.QueueSqlCommand("delete from shared.idempotency where expires_at < ? or (user_id = ? and key = ? and running_until < ?)", Now, request.UserId, request.Key, Now);
        work.QueueSqlCommand(
            "insert into shared.idempotency (user_id, key, fingerprint, answer, expires_at) values (?, ?, ?, ?, ?)",
            request.UserId, request.Key, request.Fingerprint, await SealAsync(request, answer, cancellation), Now + Kept);
    }

    /// <summary>Takes the key for work that begins now; false where somebody else has it.</summary>
    public async Task<bool> TryClaimAsync(IdempotentRequest request, CancellationToken cancellation)
    {
        await using (var tidy = Command("delete from shared.idempotency where expires_at < $1", Now))
        {
            await tidy.ExecuteNonQueryAsync(cancellation);
        }

        await using var command = Command(
            """
            insert into shared.idempotency as i (user_id, key, fingerprint, running_until, expires_at, claim) values ($1, $2, $3, $4, $5, $7)
            on conflict (user_id, key) do update set fingerprint = excluded.fingerprint, claim = excluded.claim, running_until = excluded.running_until, expires_at = excluded.expires_at
            where i.answer is null and i.running_until < $6
            """,
            request.UserId, request.Key, request.Fingerprint, Now + Lease, Now + Kept, Now, request.Claim);
        return await command.ExecuteNonQueryAsync(cancellation) == 1;
    }

    public Task RenewAsync(IdempotentRequest request, CancellationToken cancellation) => ExecuteAsync(
        "update shared.idempotency set running_until = $4 where user_id = $1 and key = $2 and claim = $3 and answer is null", request, [Now + Lease], cancellation);

    /// <summary>Writes the answer of work that has claimed the key.</summary>
    public async Task KeepAsync(IdempotentRequest request, KeptAnswer answer, CancellationToken cancellation) => await ExecuteAsync(
        "update shared.idempotency set answer = $4, running_until = null where user_id = $1 and key = $2 and claim = $3",
        request,
        [await SealAsync(request, answer, cancellation)],
        cancellation);

    /// <summary>Gives a claimed key up: nothing came of the work, and it may be tried again.</summary>
    public Task ReleaseAsync(IdempotentRequest request, CancellationToken cancellation) =>
        ExecuteAsync("delete from shared.idempotency where user_id = $1 and key = $2 and claim = $3 and answer is null", request, [], cancellation);

    private DateTimeOffset Now => clock.GetUtcNow().ToUniversalTime();

    private ValueTask<string> SealAsync(IdempotentRequest request, KeptAnswer answer, CancellationToken cancellation) =>
        vault.SealAsync(request.UserId, JsonSerializer.Serialize(answer), cancellation);

    private async Task ExecuteAsync(string sql, IdempotentRequest request, object[] more, CancellationToken cancellation)
    {
        await using var command = Command(sql, [request.UserId, request.Key, request.Claim, .. more]);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private NpgsqlCommand Command(string sql, params object[] values)
    {
        var command = database.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        return command;
    }
}
