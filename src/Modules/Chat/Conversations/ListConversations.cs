using System.Globalization;
using LlmPlatform.Chat.Search;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;

namespace LlmPlatform.Chat.Conversations;

/// <summary>A page of conversations.</summary>
/// <param name="Items">The conversations.</param>
/// <param name="NextCursor">Opaque; null on the last page.</param>
public sealed record ConversationPage(IReadOnlyList<ConversationSummary> Items, string? NextCursor)
{
    /// <summary>How far a search is behind what was said; null where nothing was searched.</summary>
    public SearchLag? Lag { get; init; }
}

public static class ListConversationsEndpoint
{
    [WolverineGet("/api/v1/chat/conversations", OperationId = "listConversations"), Authorize]
    [EndpointSummary("List your conversations, pinned ones first, then those with the newest messages; or search them, those with the newest match first"), Tags("Conversations"), ProducesResponseType<ProblemDetails>(400)]
    public static async Task<ConversationPage> Get(
        [FromQuery] string? query,
        [FromQuery] Guid? folder,
        [FromQuery] string? tag,
        [FromQuery] string? model,
        [FromQuery] DateTimeOffset? from,
        [FromQuery] DateTimeOffset? to,
        [FromQuery] bool? archived,
        [FromQuery] bool? bin,
        [FromQuery] int? limit,
        [FromQuery] string? cursor,
        IQuerySession session,
        SubjectVault vault,
        ConversationReader reader,
        ListCursors cursors,
        FindConversations search,
        CurrentUser currentUser,
        CancellationToken cancellation)
    {
        var owner = currentUser.Id;
        var most = Page.Limit(limit);
        if (tag is { Length: 0 or > ConversationRules.LongestTag })
        {
            throw Refusal.BadParam("tag", $"A tag has 1 to {ConversationRules.LongestTag} characters.");
        }

        if (model?.Any(char.IsControl) == true)
        {
            throw Refusal.BadParam("model", "Nothing has such a name.");
        }

        var digest = tag is null ? null : await TagDigests.OfAsync(vault, owner, tag, cancellation);
        if (query is not null)
        {
            return await search.FindAsync(session, reader, new SearchQuestion
            {
                Owner = owner,
                Text = query,
                FolderId = folder,
                Tag = digest,
                Model = model,
                From = from,
                To = to,
                IsArchived = archived,
                Cursor = cursor,
                Limit = limit ?? Page.DefaultLimit,
            }, cancellation);
        }

        var where = new List<string> { "owner_id = ?", bin == true ? "binned_at is not null" : "binned_at is null" };
        var values = new List<object> { owner };
        Add(folder, "folder_id = ?");
        Add(model, "model = ?");
        Add(from, "active_at >= ?");
        Add(to, "active_at < ?");
        Add(bin == true ? null : archived ?? false, "is_archived = ?");
        Add(digest, "data -> 'tags' @> to_jsonb(?::text)");
        if (cursors.Open("conversations", owner, cursor) is { } last)
        {
            var key = last.Split('|');
            where.Add("(is_pinned, active_at, id) < (?, ?, ?)");
            values.AddRange([key[0] == "1", new DateTimeOffset(long.Parse(key[1], CultureInfo.InvariantCulture), TimeSpan.Zero), Guid.Parse(key[2])]);
        }

        values.Add(most + 1);
        var rows = await session.QueryAsync<Conversation>(
            $"where {string.Join(" and ", where)} order by is_pinned desc, active_at desc, id desc limit ?", cancellation, [.. values]);
        var page = new List<ConversationSummary>();
        foreach (var row in rows.Take(most))
        {
            page.Add(await reader.SummaryAsync(row, cancellation));
        }

        var end = rows.Count > most ? rows[most - 1] : null;
        return new ConversationPage(page, end is null ? null : cursors.Seal("conversations", owner, $"{(end.IsPinned ? 1 : 0)}|{end.ActiveAt.UtcTicks}|{end.Id}"));

        void Add(object? value, string condition)
        {
            if (value is not null)
            {
                where.Add(condition);
                values.Add(value is DateTimeOffset time ? time.ToUniversalTime() : value);
            }
        }
    }
}
