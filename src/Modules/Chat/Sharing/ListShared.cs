using System.Text.Json;
using LlmPlatform.Auth.Contracts;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;

namespace LlmPlatform.Chat.Sharing;

/// <summary>A conversation that names the caller as a reader; its text is at <c>GET /api/v1/chat/shared/{id}</c>.</summary>
public sealed record SharedWithMe(Guid Id, string? Title, string Owner, ShareRight Allow, DateTimeOffset SharedAt, DateTimeOffset? ExpiresAt);

public static class ListSharedEndpoint
{
    private const string List = "shared";

    [WolverineGet("/api/v1/chat/shared", OperationId = "listShared"), Authorize]
    [EndpointSummary("List what others share with you, by name or with your groups; the newest first"), Tags("Sharing"), ProducesResponseType<ProblemDetails>(400)]
    public static async Task<Page<SharedWithMe>> Get(
        int? limit,
        string? cursor,
        IQuerySession session,
        SubjectVault vault,
        IUserDirectory users,
        ListCursors cursors,
        CurrentUser currentUser,
        DateTimeOffset now,
        CancellationToken cancellation)
    {
        var most = Page.Limit(limit);
        string[] named = [JsonSerializer.Serialize(new { users = new[] { currentUser.Id } }), .. currentUser.Groups.Select(group => JsonSerializer.Serialize(new { groups = new[] { group } }))];
        var before = cursors.Open(List, currentUser.Id, cursor) is { } last ? Guid.Parse(last) : Guid.AllBitsSet;
        var rows = await session.QueryAsync<Share>(
            $"where ({string.Join(" or ", named.Select(_ => "data @> ?::jsonb"))}) and id < ? and data ->> 'ownerId' <> ? order by id desc limit ?",
            cancellation,
            [.. named, before, currentUser.Id.ToString(), most + 1]);
        var items = new List<SharedWithMe>();
        var heads = (await session.LoadManyAsync<Conversation>(cancellation, [.. rows.Select(share => share.ConversationId)])).ToDictionary(c => c.Id);
        foreach (var share in rows.Take(most).Where(share => !share.IsOver(now)))
        {
            if (heads.GetValueOrDefault(share.ConversationId) is { BinnedAt: null } && await users.FindAsync(share.OwnerId, cancellation) is { } owner)
            {
                items.Add(new SharedWithMe(share.Id, await vault.OpenOrNullAsync(share.OwnerId, share.SealedTitle, cancellation), owner.Name, share.Allow, share.CreatedAt, share.ExpiresAt));
            }
        }

        return new Page<SharedWithMe>(items, rows.Count > most ? cursors.Seal(List, currentUser.Id, rows[most - 1].Id.ToString()) : null);
    }
}
