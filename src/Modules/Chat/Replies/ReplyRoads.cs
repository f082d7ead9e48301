using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace LlmPlatform.Chat.Replies;

/// <summary>The routes whose answers are replies, as server-sent events: <c>accepted</c>, any number of <c>context</c>, <c>delta</c> and others, and <c>done</c> or <c>error</c>.</summary>
internal static class ReplyRoads
{
    private const int LargestBody = 8 << 20;
    private const string Conversation = "/api/v1/chat/conversations/{conversationId:guid}";
    private const string Message = $"{Conversation}/messages/{{messageId:guid}}";

    public static void MapReplies(this IEndpointRouteBuilder routes)
    {
        routes.MapPost($"{Conversation}/messages", SendAsync).WithName("sendMessage").WithSummary("Say something, and stream the reply").Streams();
        routes.MapPost($"{Message}/edit", EditAsync).WithName("editMessage").WithSummary("Say something in another way, and stream the new reply").Streams();
        routes.MapPost($"{Message}/regenerate", RegenerateAsync).WithName("regenerateReply").WithSummary("Ask for another reply beside one, and stream it").Streams();
        routes.MapPost($"{Message}/continue", ContinueAsync).WithName("continueReply").WithSummary("Go on in a reply that broke off, and stream what comes").Streams();
        routes.MapGet($"{Message}/stream", FollowAsync).WithName("followReply").WithSummary("Follow a reply, from Last-Event-ID on where it is given").Streams();
    }

    private static Task SendAsync(Guid conversationId, SendMessage command, HttpContext context, ReplyAsking asking) =>
        asking.AskAsync(command with { ConversationId = conversationId, RequestKey = RequestKey(context) }, context);

    private static Task EditAsync(Guid conversationId, Guid messageId, EditMessage command, HttpContext context, ReplyAsking asking) =>
        asking.AskAsync(command with { ConversationId = conversationId, MessageId = messageId, RequestKey = RequestKey(context) }, context);

    private static Task RegenerateAsync(Guid conversationId, Guid messageId, RegenerateReply command, HttpContext context, ReplyAsking asking) =>
        asking.AskAsync(command with { ConversationId = conversationId, MessageId = messageId, RequestKey = RequestKey(context) }, context);

    private static Task ContinueAsync(Guid conversationId, Guid messageId, ContinueReply command, HttpContext context, ReplyAsking asking) =>
        asking.AskAsync(command with { ConversationId = conversationId, MessageId = messageId, RequestKey = RequestKey(context) }, context);

    private static async Task FollowAsync(Guid conversationId, Guid messageId, HttpContext context, IChatStore store, SubjectVault vault, ReplyAsking asking)
    {
        var owner = CurrentUser.From(context.User).Id;
        Conversation conversation;
        Message message;
        await using (var session = store.QuerySession())
        {
            conversation = await session.ConversationAsync(conversationId, owner, context.RequestAborted);
            message = await session.ReplyAsync(conversation, messageId, context.RequestAborted);
        }

        var place = LastPlace(context);
        if (place > 0 && message.State != MessageState.Streaming)
        {
            var length = (await vault.OpenBodyAsync(owner, message, context.RequestAborted)).Parts.Sum(part => (long)part.Length);
            if (place > length)
            {
                context.Response.StatusCode = StatusCodes.Status204NoContent; // all of it is known, and browsers stop asking
                return;
            }
        }

        await asking.TellAsync(context, place is null ? new ReplyAccepted(conversation.Id, message.ParentId, message.Id, conversation.Version) : null, place ?? 0, message.Id);
    }

    /// <summary>A browser sends it by itself when it connects again.</summary>
    private static long? LastPlace(HttpContext context)
    {
        var header = context.Request.Headers["Last-Event-ID"].ToString();
        return header.Length == 0 ? null
            : long.TryParse(header, NumberStyles.None, CultureInfo.InvariantCulture, out var place) ? place
            : throw Refusal.BadParam("Last-Event-ID", "Last-Event-ID is the id of an event of this reply.", "stream.last_event_id");
    }

    /// <summary>A request that is sent again after a crash is found by this, when nobody remembers its answer any more.</summary>
    private static string? RequestKey(HttpContext context) => context.Request.Headers["Idempotency-Key"].ToString() is { Length: > 0 } key
        ? Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)).AsSpan(0, 16))
        : null;

    private static void Streams(this RouteHandlerBuilder route) => route
        .RequireAuthorization().WithTags("Replies").WithMetadata(new RequestSizeLimitAttribute(LargestBody))
        .Produces(200, contentType: "text/event-stream").Produces<ProblemDetails>(400).Produces<ProblemDetails>(404).Produces<ProblemDetails>(409);
}
