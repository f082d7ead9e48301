using LlmPlatform.SharedKernel;
using Marten;
using Npgsql;
using Weasel.Core;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace LlmPlatform.Auth.SignIn;

/// <summary>What became of a refresh token that was presented.</summary>
internal enum Rotation
{
    /// <summary>Nobody was given this token, or it is over.</summary>
    Unknown,

    /// <summary>It was used a moment ago: two tabs, or an answer that got lost.</summary>
    JustUsed,

    /// <summary>It was used long ago: somebody has a copy.</summary>
    Reused,

    Rotated,
}

/// <summary>
/// Sessions and their refresh tokens: plain tables, because a token is used up by one conditional UPDATE, in which the database alone decides who
/// came first. A session is the family of all tokens that descend from one sign-in; only hashes of them are stored.
/// </summary>
internal static class SignInSessions
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(30);
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    public static IEnumerable<ISchemaObject> Tables(string schema)
    {
        var sessions = new Table(new PostgresqlObjectName(schema, "sessions", SchemaUtils.IdentifierUsage.General));
        sessions.AddColumn<Guid>("id").AsPrimaryKey();
        sessions.AddColumn<Guid>("user_id").NotNull();
        sessions.AddColumn<DateTimeOffset>("expires_at").NotNull().AddIndex();
        sessions.AddColumn<DateTimeOffset>("revoked_at");
        sessions.AddColumn<DateTimeOffset>("opened_at");
        sessions.AddColumn<DateTimeOffset>("refreshed_at");
        sessions.AddColumn<DateTimeOffset>("seen_at"); // this and the next: of browsers only
        sessions.AddColumn("cookie_hash", "bytea").AddIndex(index => index.IsUnique = true);
        sessions.Indexes.Add(new IndexDefinition("sessions_of_user") { Columns = ["user_id"] });
        yield return sessions;

        var tokens = new Table(new PostgresqlObjectName(schema, "refresh_tokens", SchemaUtils.IdentifierUsage.General));
        tokens.AddColumn("hash", "bytea").AsPrimaryKey();
        tokens.AddColumn<Guid>("session_id").NotNull().AddIndex().ForeignKeyTo(sessions, "id", null, Weasel.Core.CascadeAction.Cascade, Weasel.Core.CascadeAction.NoAction);
        tokens.AddColumn<DateTimeOffset>("used_at");
        yield return tokens;
    }

    /// <summary>Opens a session in the unit of work and gives its first refresh token.</summary>
    public static string Open(IDocumentSession work, Guid sessionId, Guid userId, DateTimeOffset now)
    {
        Tidy(work, now);
        work.QueueSqlCommand("insert into auth.sessions (id, user_id, expires_at, opened_at) values (?, ?, ?, ?)", sessionId, userId, (now + Lifetime).ToUniversalTime(), now.ToUniversalTime());
        return AddToken(work, sessionId);
    }

    /// <summary>Forgets sessions that are over, whose they may be.</summary>
    public static void Tidy(IDocumentSession work, DateTimeOffset now) => work.QueueSqlCommand("delete from auth.sessions where expires_at < ?", now.ToUniversalTime());

    /// <summary>Uses a token up and gives its successor, in one transaction: if that fails, the token is as good as before.</summary>
    public static async Task<(Rotation Rotation, Guid SessionId, Guid UserId, string? Successor)> RotateAsync(
        IDocumentSession work, string token, DateTimeOffset now, CancellationToken cancellation)
    {
        const string use =
            """
            update auth.refresh_tokens t set used_at = $2 from auth.sessions s
            where t.hash = $1 and t.used_at is null and s.id = t.session_id and s.revoked_at is null and s.expires_at > $2
            returning s.id, s.user_id
            """;
        const string explain =
            "select s.id, s.user_id, t.used_at from auth.refresh_tokens t join auth.sessions s on s.id = t.session_id where t.hash = $1 and t.used_at is not null";
        await work.BeginTransactionAsync(cancellation);
        var hash = Secret.Hash(token);
        if (await ReadAsync(work, use, [hash, now.ToUniversalTime()], Session, cancellation) is { } used)
        {
            work.QueueSqlCommand("update auth.sessions set refreshed_at = ? where id = ?", now.ToUniversalTime(), used.Id);
            return (Rotation.Rotated, used.Id, used.UserId, AddToken(work, used.Id));
        }

        return await ReadAsync(work, explain, [hash], row => (Session(row), At: row.GetFieldValue<DateTimeOffset>(2)), cancellation) is ({ } known, var at)
            ? (now - at > Grace ? Rotation.Reused : Rotation.JustUsed, known.Id, known.UserId, null)
            : (Rotation.Unknown, Guid.Empty, Guid.Empty, null);
    }

    /// <summary>Ends a session: none of its tokens is good any more.</summary>
    public static void Revoke(IDocumentSession work, Guid sessionId, DateTimeOffset now) =>
        work.QueueSqlCommand("update auth.sessions set revoked_at = ? where id = ? and revoked_at is null", now.ToUniversalTime(), sessionId);

    /// <summary>Ends all sessions of a user but one.</summary>
    public static void RevokeAll(IDocumentSession work, Guid userId, Guid keptId, DateTimeOffset now) =>
        work.QueueSqlCommand("update auth.sessions set revoked_at = ? where user_id = ? and id <> ? and revoked_at is null", now.ToUniversalTime(), userId, keptId);

    /// <summary>Forgets all sessions of a user, with their tokens.</summary>
    public static void Delete(IDocumentSession work, Guid userId) => work.QueueSqlCommand("delete from auth.sessions where user_id = ?", userId);

    /// <summary>The open sessions of a user, newest first.</summary>
    public static async Task<IReadOnlyList<SessionDetails>> ListAsync(IQuerySession work, Guid userId, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            """
            select id, opened_at, coalesce(seen_at, refreshed_at), expires_at, cookie_hash is not null from auth.sessions
            where user_id = $1 and revoked_at is null and expires_at > $2 and (seen_at is null or seen_at > $3) order by id desc
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = userId });
        command.Parameters.Add(new NpgsqlParameter { Value = now.ToUniversalTime() });
        command.Parameters.Add(new NpgsqlParameter { Value = now.ToUniversalTime() - PageSessions.MostIdle });
        await using var row = await work.ExecuteReaderAsync(command, cancellation);
        var open = new List<SessionDetails>();
        while (await row.ReadAsync(cancellation))
        {
            open.Add(new SessionDetails(row.GetGuid(0), Time(row, 1), Time(row, 2), row.GetFieldValue<DateTimeOffset>(3), row.GetBoolean(4), IsCurrent: false));
        }

        return open;
    }

    public static async Task<bool> IsOpenAsync(IQuerySession work, Guid sessionId, Guid userId, DateTimeOffset now, CancellationToken cancellation) =>
        await ReadAsync(
            work,
            "select id, user_id from auth.sessions where id = $1 and user_id = $2 and revoked_at is null and expires_at > $3",
            [sessionId, userId, now.ToUniversalTime()],
            Session,
            cancellation) is not null;

    private static DateTimeOffset? Time(System.Data.Common.DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFieldValue<DateTimeOffset>(column);

    private static string AddToken(IDocumentSession work, Guid sessionId)
    {
        var token = Secret.Create();
        work.QueueSqlCommand("insert into auth.refresh_tokens (hash, session_id) values (?, ?)", Secret.Hash(token), sessionId);
        return token;
    }

    private static (Guid Id, Guid UserId)? Session(System.Data.Common.DbDataReader row) => (row.GetGuid(0), row.GetGuid(1));

    private static async Task<T?> ReadAsync<T>(
        IQuerySession work, string sql, object[] values, Func<System.Data.Common.DbDataReader, T> read, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        await using var reader = await work.ExecuteReaderAsync(command, cancellation);
        return await reader.ReadAsync(cancellation) ? read(reader) : default;
    }
}
