using LlmPlatform.Chat.Conversations;
using Marten;

namespace LlmPlatform.Chat.Search;

/// <summary>A search as the list of conversations shows it.</summary>
public sealed class FindConversations
{
    private readonly ConversationSearch search;

    internal FindConversations(ConversationSearch search) => this.search = search;

    internal async Task<ConversationPage> FindAsync(IQuerySession session, ConversationReader reader, SearchQuestion question, CancellationToken cancellation)
    {
        var found = await search.FindAsync(question, cancellation);
        var heads = (await session.LoadManyAsync<Conversation>(cancellation, [.. found.Items.Select(item => item.ConversationId)])).ToDictionary(head => head.Id);
        var page = new List<ConversationSummary>();
        foreach (var item in found.Items.Where(item => heads.ContainsKey(item.ConversationId))) // one may have been deleted meanwhile
        {
            page.Add(await reader.SummaryAsync(heads[item.ConversationId], cancellation) with { Snippets = item.Snippets });
        }

        return new ConversationPage(page, found.NextCursor) { Lag = found.Lag };
    }
}
