using LlmPlatform.Chat.Conversations;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace LlmPlatform.Chat.Replies;

/// <summary>Stops a reply. Mapped by hand, because it waits for what runs and changes nothing itself.</summary>
internal static class StopReplyRoad
{
    public static void MapStop(this IEndpointRouteBuilder routes) => routes
        .MapPost("/api/v1/chat/conversations/{conversationId:guid}/messages/{messageId:guid}/stop", PostAsync)
        .RequireAuthorization().WithTags("Replies").WithName("stopReply").WithSummary("Stop a reply; what it has said stays")
        .Produces<MessageView>().Produces<ProblemDetails>(404);

    private static async Task<MessageView> PostAsync(
        Guid conversationId, Guid messageId, HttpContext context, IChatStore store, RunningReplies running, ConversationReader reader)
    {
        var owner = CurrentUser.From(context.User).Id;
        await using var session = store.QuerySession();
        var conversation = await session.ConversationAsync(conversationId, owner, context.RequestAborted);
        if ((await session.ReplyAsync(conversation, messageId, context.RequestAborted)).State == MessageState.Streaming)
        {
            await running.StopAsync(messageId, context.RequestAborted);
        }

        return await reader.ViewAsync(owner, await session.MessageAsync(conversation, messageId, context.RequestAborted), context.RequestAborted);
    }
}
