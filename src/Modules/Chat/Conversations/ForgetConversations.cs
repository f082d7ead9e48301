using LlmPlatform.Auth.Contracts;
using LlmPlatform.Chat.Folders;
using LlmPlatform.Chat.Replies;
using Marten;
using Wolverine.Attributes;

namespace LlmPlatform.Chat.Conversations;

/// <summary>Nobody can open what an erased person said any more; when and how much it was goes, too.</summary>
public static class ForgetConversationsHandler
{
    private const int OneHour = 60 * 60;

    [MessageTimeout(OneHour)]
    public static async Task Handle(UserErased e, IDocumentSession session, CancellationToken cancellation)
    {
        var owner = e.UserId;
        foreach (var conversation in await session.Query<Conversation>().Where(c => c.OwnerId == owner).ToListAsync(cancellation))
        {
            BinConversationEndpoint.DeleteForever(session, conversation, e.At);
        }

        session.DeleteWhere<Folder>(f => f.OwnerId == owner);
        ReplyTables.EndAllOf(session, owner);
    }
}
