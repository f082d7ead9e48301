using LlmPlatform.Chat.Contracts;
using LlmPlatform.Inference.Contracts;
using Marten;

namespace LlmPlatform.Chat.Notifications;

/// <summary>Hands notices to every host, since nobody knows where the pages of a person are open. They go out with the transaction, in any order: pages compare versions.</summary>
public static class PassOnNoticesHandler
{
    public static void Handle(ConversationChanged message, IDocumentSession session) => PassOn(Notice.Of(message), session);

    public static void Handle(ModelInstalled message, IDocumentSession session) => PassOn(Notice.Of(message), session);

    private static void PassOn(Notice notice, IDocumentSession session) => session.QueueSqlCommand($"select pg_notify('{Notice.Channel}', ?)", notice.ToJson());
}
