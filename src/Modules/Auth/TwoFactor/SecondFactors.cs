using System.Data.Common;
using Marten;
using Npgsql;
using Weasel.Core;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace LlmPlatform.Auth.TwoFactor;

/// <summary>What is stored of somebody's second factor.</summary>
/// <param name="SealedSecret">The secret that the authenticator app has too, sealed with the person's key.</param>
/// <param name="IsOn">Whether a code is asked for; false until one was shown to be right.</param>
/// <param name="LastStep">The last time step, of 30 seconds, whose code was used.</param>
/// <param name="BackupCodes">How many backup codes are left.</param>
internal sealed record StoredFactor(string SealedSecret, bool IsOn, long LastStep, int BackupCodes);

/// <summary>Second factors and backup codes: plain tables, because a code is used up by one conditional statement, in which the database alone decides who came first.</summary>
internal static class SecondFactors
{
    public static IEnumerable<ISchemaObject> Tables(string schema)
    {
        var factors = new Table(new PostgresqlObjectName(schema, "second_factors", SchemaUtils.IdentifierUsage.General));
        factors.AddColumn<Guid>("user_id").AsPrimaryKey();
        factors.AddColumn<string>("sealed_secret").NotNull();
        factors.AddColumn<DateTimeOffset>("confirmed_at");
        factors.AddColumn<long>("last_step").NotNull();
        yield return factors;

        var codes = new Table(new PostgresqlObjectName(schema, "backup_codes", SchemaUtils.IdentifierUsage.General));
        codes.AddColumn<Guid>("user_id").AsPrimaryKey();
        codes.AddColumn<string>("code_index").AsPrimaryKey();
        yield return codes;
    }

    public static async Task<StoredFactor?> FindAsync(IQuerySession session, Guid userId, CancellationToken cancellation) =>
        await ReadAsync(
            session,
            "select sealed_secret, confirmed_at is not null, last_step, (select count(*) from auth.backup_codes c where c.user_id = f.user_id)::int from auth.second_factors f where user_id = $1",
            [userId],
            row => new StoredFactor(row.GetString(0), row.GetBoolean(1), row.GetInt64(2), row.GetInt32(3)),
            cancellation);

    /// <summary>Stores a secret that is not confirmed yet, in place of another such one.</summary>
    public static void Begin(IDocumentSession session, Guid userId, string sealedSecret) => session.QueueSqlCommand(
        """
        insert into auth.second_factors (user_id, sealed_secret, last_step) values (?, ?, 0)
        on conflict (user_id) do update set sealed_secret = excluded.sealed_secret, last_step = 0 where second_factors.confirmed_at is null
        """,
        userId,
        sealedSecret);

    /// <summary>Turns the factor on, by the first code that is right.</summary>
    public static async Task<bool> ConfirmAsync(IDocumentSession session, Guid userId, long step, IEnumerable<string> codeIndexes, DateTimeOffset now, CancellationToken cancellation)
    {
        const string confirm = "update auth.second_factors set confirmed_at = $3, last_step = $2 where user_id = $1 and confirmed_at is null returning user_id";
        if (!await ChangesAsync(session, confirm, [userId, step, now.ToUniversalTime()], cancellation))
        {
            return false;
        }

        foreach (var index in codeIndexes)
        {
            session.QueueSqlCommand("insert into auth.backup_codes (user_id, code_index) values (?, ?)", userId, index);
        }

        return true;
    }

    /// <summary>Uses up the code of a time step, and with it those of all steps before.</summary>
    public static Task<bool> UseStepAsync(IDocumentSession session, Guid userId, long step, CancellationToken cancellation) => ChangesAsync(
        session, "update auth.second_factors set last_step = $2 where user_id = $1 and last_step < $2 and confirmed_at is not null returning user_id", [userId, step], cancellation);

    public static Task<bool> UseBackupCodeAsync(IDocumentSession session, Guid userId, string codeIndex, CancellationToken cancellation) => ChangesAsync(
        session, "delete from auth.backup_codes where user_id = $1 and code_index = $2 returning user_id", [userId, codeIndex], cancellation);

    public static void Remove(IDocumentSession session, Guid userId)
    {
        session.QueueSqlCommand("delete from auth.second_factors where user_id = ?", userId);
        session.QueueSqlCommand("delete from auth.backup_codes where user_id = ?", userId);
    }

    private static async Task<bool> ChangesAsync(IDocumentSession session, string sql, object[] values, CancellationToken cancellation)
    {
        await session.BeginTransactionAsync(cancellation);
        return await ReadAsync(session, sql, values, row => row.GetGuid(0), cancellation) != Guid.Empty;
    }

    private static async Task<T?> ReadAsync<T>(IQuerySession session, string sql, object[] values, Func<DbDataReader, T> read, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        await using var reader = await session.ExecuteReaderAsync(command, cancellation);
        return await reader.ReadAsync(cancellation) ? read(reader) : default;
    }
}
