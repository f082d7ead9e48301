using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Wolverine.Http;

namespace LlmPlatform.Chat.Conversations;

/// <summary>A tag, and how many conversations have it.</summary>
public sealed record TagCount(string Tag, int Count);

public static class ListTagsEndpoint
{
    [WolverineGet("/api/v1/chat/tags", OperationId = "listTags"), Authorize]
    [EndpointSummary("List your tags"), Tags("Conversations")]
    public static async Task<Page<TagCount>> Get(IQuerySession session, SubjectVault vault, CurrentUser currentUser, CancellationToken cancellation)
    {
        var owner = currentUser.Id;
        var tagged = await session.Query<Conversation>().Where(c => c.OwnerId == owner && c.BinnedAt == null && c.SealedTags != null).Select(c => c.SealedTags!).ToListAsync(cancellation);
        var tags = new List<string>();
        foreach (var text in tagged)
        {
            tags.AddRange(await vault.OpenJsonAsync<string[]>(owner, text, cancellation) ?? []);
        }

        return new Page<TagCount>([.. tags.GroupBy(t => t, StringComparer.OrdinalIgnoreCase).Select(g => new TagCount(g.First(), g.Count())).OrderBy(t => t.Tag, StringComparer.CurrentCultureIgnoreCase)], null);
    }
}
