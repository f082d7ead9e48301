using LlmPlatform.Chat.Contracts;
using LlmPlatform.Inference.Contracts;
using Marten;
using Npgsql;

namespace LlmPlatform.Chat.Notifications;

/// <summary>Hands notices to every host, since nobody knows where the pages of a person are open. They go out with the transaction, in any order: pages compare versions.</summary>
public static class PassOnNoticesHandler
{
    public static Task Handle(ConversationChanged message, IDocumentSession session, CancellationToken cancellation) => PassOnAsync(Notice.Of(message), session, cancellation);

    public static Task Handle(ModelInstalled message, IDocumentSession session, CancellationToken cancellation) => PassOnAsync(Notice.Of(message), session, cancellation);

    private static async Task PassOnAsync(Notice notice, IDocumentSession session, CancellationToken cancellation)
    {
        await session.BeginTransactionAsync(cancellation);
        await using var command = new NpgsqlCommand("select pg_notify($1, $2)");
        command.Parameters.AddWithValue(Notice.Channel);
        command.Parameters.AddWithValue(notice.ToJson());
        await session.ExecuteAsync(command, cancellation);
    }
}
