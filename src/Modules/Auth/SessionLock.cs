using Marten;
using Npgsql;

namespace LlmPlatform.Auth;

internal static class SessionLock
{
    /// <summary>
    /// Lets one transaction at a time pass for a name, until it commits. The second of two racers then reads what the first one wrote and can
    /// refuse with a sentence, where a unique index alone could only fail the commit.
    /// </summary>
    public static async Task LockAsync(this IDocumentSession session, string name, CancellationToken cancellation)
    {
        await session.BeginTransactionAsync(cancellation);
        await using var command = new NpgsqlCommand("select pg_advisory_xact_lock(hashtextextended($1, 0))");
        command.Parameters.AddWithValue($"auth:{name}");
        await session.ExecuteAsync(command, cancellation);
    }
}
