using LlmPlatform.Chat.Contracts;
using LlmPlatform.Chat.Replies;
using LlmPlatform.Chat.Search;
using LlmPlatform.Chat.Sharing;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Chat.Conversations;

public static class BinConversationEndpoint
{
    [WolverineDelete("/api/v1/chat/conversations/{conversationId}", OperationId = "deleteConversation"), Authorize, EmptyResponse]
    [EndpointSummary("Put a conversation into the bin, or delete it for good with ?forever=true"), Tags("Conversations"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<OutgoingMessages> Delete(
        Guid conversationId, [FromQuery] bool? forever, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var conversation = await session.TakeConversationAsync(conversationId, currentUser.Id, cancellation);
        return forever == true ? DeleteForever(session, conversation, now) : Bin(session, conversation, now);
    }

    [WolverinePost("/api/v1/chat/conversations/{conversationId}/restore", OperationId = "restoreConversation"), Authorize]
    [EndpointSummary("Take a conversation out of the bin"), Tags("Conversations"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(ConversationSummary, OutgoingMessages)> Post(
        Guid conversationId, IDocumentSession session, ConversationReader reader, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var conversation = await session.TakeConversationAsync(conversationId, currentUser.Id, cancellation);
        if (conversation.BinnedAt is null)
        {
            return (await reader.SummaryAsync(conversation, cancellation), []);
        }

        var after = session.Append(conversation, new ConversationRestored(now));
        return (await reader.SummaryAsync(after, cancellation), [new ConversationChanged(currentUser.Id, after.Id, after.Version, "changed", null, now)]);
    }

    internal static OutgoingMessages Bin(IDocumentSession session, Conversation conversation, DateTimeOffset now)
    {
        if (conversation.BinnedAt is not null)
        {
            return [];
        }

        var after = session.Append(conversation, new ConversationBinned(now));
        return [new ConversationChanged(conversation.OwnerId, conversation.Id, after.Version, "deleted", null, now)];
    }

    /// <summary>Removes the events themselves: nothing of it is left to be replayed, or to be opened with a key that its owner still has.</summary>
    internal static OutgoingMessages DeleteForever(IDocumentSession session, Conversation conversation, DateTimeOffset now)
    {
        var id = conversation.Id;
        session.Events.TombstoneStream(id);
        SearchEntries.Delete(session, conversation.OwnerId, id);
        Shares.EndAll(session, id);
        session.DeleteWhere<Message>(m => m.ConversationId == id);
        ReplyTables.EndAll(session, id);
        return [new ConversationChanged(conversation.OwnerId, id, conversation.Version, "deleted", null, now)];
    }
}
