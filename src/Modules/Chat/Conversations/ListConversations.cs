using System.Globalization;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;

namespace LlmPlatform.Chat.Conversations;

public static class ListConversationsEndpoint
{
    [WolverineGet("/api/v1/chat/conversations", OperationId = "listConversations"), Authorize]
    [EndpointSummary("List your conversations, pinned ones first, then those with the newest messages"), Tags("Conversations"), ProducesResponseType<ProblemDetails>(400)]
    public static async Task<Page<ConversationSummary>> Get(
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
        CurrentUser currentUser,
        CancellationToken cancellation)
    {
        var owner = currentUser.Id;
        var most = Page.Limit(limit);
        var where = new List<string> { "owner_id = ?", bin == true ? "binned_at is not null" : "binned_at is null" };
        var values = new List<object> { owner };
        Add(folder, "folder_id = ?");
        Add(model, "model = ?");
        Add(from, "active_at >= ?");
        Add(to, "active_at <= ?");
        Add(bin == true ? null : archived ?? false, "is_archived = ?");
        if (tag is { Length: > 0 and <= ConversationRules.LongestTag })
        {
            where.Add("data -> 'tags' ?? ?"); // a doubled question mark is the operator
            values.Add(await TagDigests.OfAsync(vault, owner, tag, cancellation));
        }

        if (cursors.Open(owner, cursor) is { } last)
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
        return new Page<ConversationSummary>(page, end is null ? null : cursors.Seal(owner, $"{(end.IsPinned ? 1 : 0)}|{end.ActiveAt.UtcTicks}|{end.Id}"));

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
