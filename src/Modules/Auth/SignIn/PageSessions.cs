using LlmPlatform.SharedKernel;
using Marten;
using Npgsql;

namespace LlmPlatform.Auth.SignIn;

/// <summary>A session that a browser's cookie names.</summary>
internal sealed record OpenPageSession(Guid Id, Guid UserId);

/// <summary>
/// Sessions of browsers. They stand in the same table as those of programs; a cookie holds 256 random bits, of which only the hash is stored, so neither
/// a cookie that somebody planted nor a stolen database opens one. Both ends, by the clock and by idleness, are kept here and not in the browser.
/// </summary>
internal static class PageSessions
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(12);
    public static readonly TimeSpan MostIdle = TimeSpan.FromMinutes(30);

    // A page that is used writes once a minute and not with each request.
    private static readonly TimeSpan Precision = TimeSpan.FromMinutes(1);

    /// <summary>Opens a session in the unit of work and gives the secret for its cookie.</summary>
    public static string Open(IDocumentSession work, Guid sessionId, Guid userId, DateTimeOffset now)
    {
        var secret = Secret.Create();
        var opened = now.ToUniversalTime();
        SignInSessions.Tidy(work, now);
        work.QueueSqlCommand(
            "insert into auth.sessions (id, user_id, expires_at, opened_at, seen_at, cookie_hash) values (?, ?, ?, ?, ?, ?)",
            sessionId, userId, opened + Lifetime, opened, opened, Secret.Hash(secret));
        return secret;
    }

    /// <summary>The open session of a cookie, or null; notes that it is in use.</summary>
    public static async Task<OpenPageSession?> FindAsync(IQuerySession work, string secret, DateTimeOffset now, CancellationToken cancellation)
    {
        const string sql =
            """
            with found as (
                select id, user_id, seen_at from auth.sessions where cookie_hash = $1 and revoked_at is null and expires_at > $2 and seen_at > $3),
            used as (
                update auth.sessions s set seen_at = $2 from found f where s.id = f.id and f.seen_at < $4)
            select id, user_id from found
            """;
        var at = now.ToUniversalTime();
        await using var command = new NpgsqlCommand(sql);
        foreach (var value in (object[])[Secret.Hash(secret), at, at - MostIdle, at - Precision])
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        await using var row = await work.ExecuteReaderAsync(command, cancellation);
        return await row.ReadAsync(cancellation) ? new OpenPageSession(row.GetGuid(0), row.GetGuid(1)) : null;
    }
}
