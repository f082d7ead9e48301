using LlmPlatform.Chat.Conversations;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;

namespace LlmPlatform.Chat.Sharing;

/// <summary>A share as its owner sees it.</summary>
public sealed record ShareEntry(
    Guid Id,
    ShareKind Kind,
    ShareRight Allow,
    IReadOnlyList<Guid> Users,
    IReadOnlyList<string> Groups,
    bool IncludesSystemPrompt,
    long Version,
    Guid LeafId,
    long Views,
    DateTimeOffset? ExpiresAt,
    DateTimeOffset CreatedAt);

public static class ListSharesEndpoint
{
    [WolverineGet("/api/v1/chat/conversations/{conversationId}/shares", OperationId = "listShares"), Authorize]
    [EndpointSummary("List the shares of a conversation, and how often others looked at them"), Tags("Sharing"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<Page<ShareEntry>> Get(Guid conversationId, IQuerySession session, CurrentUser currentUser, CancellationToken cancellation)
    {
        var conversation = await session.ConversationAsync(conversationId, currentUser.Id, cancellation);
        var shares = await session.Query<Share>().Where(share => share.ConversationId == conversation.Id).OrderBy(share => share.Id).ToListAsync(cancellation);
        var views = await ShareViews.ReadAsync(session, conversation.Id, cancellation);
        return new Page<ShareEntry>(
            [
                .. shares.Select(s => new ShareEntry(
                    s.Id, s.Kind, s.Allow, s.Users, s.Groups, s.IncludesSystemPrompt, s.Version, s.LeafId, views.GetValueOrDefault(s.Id), s.ExpiresAt, s.CreatedAt)),
            ],
            null); // there are never more than a page holds
    }
}
