using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;

namespace LlmPlatform.Chat.Conversations;

/// <summary>A step in the history of a conversation; <c>?asOf=</c> its version shows what there was then.</summary>
/// <param name="Version">The version it made.</param>
/// <param name="Kind">What happened, such as <c>message_added</c>.</param>
/// <param name="MessageId">The message it is about, where it is about one.</param>
/// <param name="EditOf">The message that this one was edited from.</param>
/// <param name="At">When.</param>
public sealed record HistoryStep(long Version, string Kind, Guid? MessageId, Guid? EditOf, DateTimeOffset At);

public static class GetHistoryEndpoint
{
    private const string Prefix = "chat.";

    [WolverineGet("/api/v1/chat/conversations/{conversationId}/history", OperationId = "getConversationHistory"), Authorize]
    [EndpointSummary("List what happened in a conversation, oldest first"), Tags("Conversations"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<Page<HistoryStep>> Get(
        Guid conversationId, [FromQuery] int? limit, [FromQuery] string? cursor, IQuerySession session, CurrentUser currentUser, CancellationToken cancellation)
    {
        var conversation = await session.ConversationAsync(conversationId, currentUser.Id, cancellation);
        var most = Page.Limit(limit);
        var from = Page.Key(cursor) is { } key ? (long.TryParse(key, out var last) && last > 0 && last < conversation.Version ? last + 1 : throw Refusal.BadParam("cursor", "'cursor' is not one that this list gave out.", "param.cursor")) : 1;
        var events = await session.Events.FetchStreamAsync(conversation.Id, Math.Min(conversation.Version, from + most), fromVersion: from, token: cancellation);
        return Page.Of([.. events.Select(e => new HistoryStep(e.Version, Kind(e.EventTypeName), MessageOf(e.Data), (e.Data as MessageAdded)?.EditOf, ((IConversationEvent)e.Data).At))], most, step => $"{step.Version}");
    }

    // chat.message_added.v1
    private static string Kind(string alias) => alias[Prefix.Length..alias.LastIndexOf('.')];

    private static Guid? MessageOf(object e) => e switch
    {
        MessageAdded added => added.MessageId,
        ReplyStarted started => started.MessageId,
        ReplyContinued continued => continued.MessageId,
        ReplyEnded ended => ended.MessageId,
        BranchChosen chosen => chosen.LeafId,
        _ => null,
    };
}
