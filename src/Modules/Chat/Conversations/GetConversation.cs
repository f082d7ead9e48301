using System.Globalization;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;

namespace LlmPlatform.Chat.Conversations;

public static class GetConversationEndpoint
{
    [WolverineGet("/api/v1/chat/conversations/{conversationId}", OperationId = "getConversation"), Authorize]
    [EndpointSummary("Show a conversation: the branch that is shown or ?branches=all, now or ?asOf= a version or a time"), Tags("Conversations")]
    [ProducesResponseType<ProblemDetails>(400), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<ConversationView> Get(
        Guid conversationId,
        [FromQuery] string? branches,
        [FromQuery] string? asOf,
        IQuerySession session,
        ConversationReader reader,
        CurrentUser currentUser,
        CancellationToken cancellation)
    {
        if (branches is not (null or "all" or "active"))
        {
            throw Refusal.BadParam("branches", "'branches' is all or active.");
        }

        while (true)
        {
            var view = await ViewAsync(conversationId, branches, asOf, session, reader, currentUser, cancellation);
            // What a reply says so far is read after its conversation. If it ended in between, neither says it.
            if (asOf is not null || view.Messages.All(m => m.State != MessageState.Streaming)
                || (await session.ConversationAsync(conversationId, currentUser.Id, cancellation)).Version == view.Version)
            {
                return view;
            }
        }
    }

    private static async Task<ConversationView> ViewAsync(
        Guid conversationId, string? branches, string? asOf, IQuerySession session, ConversationReader reader, CurrentUser currentUser, CancellationToken cancellation)
    {
        var tree = asOf is null
            ? await session.TreeAsync(conversationId, currentUser.Id, cancellation)
            : ConversationTree.Replay(await PastAsync(session, await session.ConversationAsync(conversationId, currentUser.Id, cancellation), asOf, cancellation)) ?? throw Refusal.NotFound("conversation.not_yet", "The conversation did not exist then.");
        IReadOnlyList<Message> shown = branches == "all" ? [.. tree.Messages.Values.OrderBy(m => m.Number)] : tree.BranchTo(tree.Head.ActiveLeaf);
        return await reader.ViewAsync(tree.Head, shown, tree.Messages.Values.ToLookup(m => m.ParentId), cancellation);
    }

    private static async Task<IReadOnlyList<object>> PastAsync(IQuerySession session, Conversation now, string asOf, CancellationToken cancellation)
    {
        if (long.TryParse(asOf, NumberStyles.None, CultureInfo.InvariantCulture, out var version))
        {
            return version >= 1 && version <= now.Version
                ? [.. (await session.Events.FetchStreamAsync(now.Id, version, token: cancellation)).Select(e => e.Data)]
                : throw Refusal.BadParam("asOf", $"The conversation has versions 1 to {now.Version}.");
        }

        if (!DateTimeOffset.TryParse(asOf, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
        {
            throw Refusal.BadParam("asOf", "'asOf' is a version, or a time such as 2026-11-27T10:00:00Z.");
        }

        return [.. (await session.Events.FetchStreamAsync(now.Id, token: cancellation)).Select(e => (IConversationEvent)e.Data).TakeWhile(e => e.At <= time)];
    }
}
