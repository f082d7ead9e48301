using Marten;
using Npgsql;

namespace LlmPlatform.SharedKernel;

public static class SessionLocks
{
    /// <summary>
    /// Waits until nobody else holds <paramref name="name"/> and keeps it until the session's transaction ends. For rules that a document's
    /// own id or version cannot keep: what is read after this call stays true until the commit.
    /// </summary>
    public static async Task LockAsync(this IDocumentSession session, string name, CancellationToken cancellation)
    {
        await session.BeginTransactionAsync(cancellation);
        await using var command = new NpgsqlCommand("select pg_advisory_xact_lock(hashtextextended($1, 0))");
        command.Parameters.AddWithValue(name);
        await session.ExecuteAsync(command, cancellation);
    }
}
