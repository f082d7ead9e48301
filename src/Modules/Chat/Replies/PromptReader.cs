using LlmPlatform.Chat.Conversations;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Chat.Replies;

/// <summary>Reads the branch that a reply answers.</summary>
internal sealed class PromptReader(IChatStore store, IModelCatalog models, SubjectVault vault)
{
    private const string Branch =
        """
        with recursive branch (id, parent_id, data, depth) as (
          select id, parent_id, data, 1 from chat.mt_doc_message where id = ? and conversation_id = ?
          union all
          select m.id, m.parent_id, m.data, b.depth + 1 from chat.mt_doc_message m join branch b on m.id = b.parent_id where b.depth < ?)
        select data from branch order by depth
        """;

    private const string Depth =
        """
        with recursive branch (id, parent_id) as (
          select id, parent_id from chat.mt_doc_message where id = ?
          union all
          select m.id, m.parent_id from chat.mt_doc_message m join branch b on m.id = b.parent_id)
        select count(*) as data from branch
        """;

    /// <summary>The prompt, and how many messages were not even read because no context could hold them.</summary>
    public async Task<(IReadOnlyList<ChatMessage> Messages, int Left)> ReadAsync(ReplyOrder order, CancellationToken cancellation)
    {
        var owner = order.Asker.Id;
        // Each message has at least one token, so a context of so many tokens holds no more of them.
        var most = order.Settings.Context == ContextPolicy.DropOldest && await models.FindAsync(order.Model, order.Asker, cancellation) is { ContextTokens: > 0 and var tokens } ? tokens : int.MaxValue;
        await using var session = store.QuerySession();
        var branch = order.ParentId is { } parent ? await session.QueryAsync<Message>(Branch, cancellation, parent, order.ConversationId, most) : [];
        var left = branch.Count == most ? (int)(await session.QueryAsync<long>(Depth, cancellation, branch[^1].ParentId ?? Guid.Empty))[0] : 0;
        var messages = new List<(string, MessageBody)>(branch.Count + 1);
        foreach (var message in branch.Reverse())
        {
            messages.Add((message.Role, await vault.OpenBodyAsync(owner, message, cancellation)));
        }

        if (order.Before is { } begun)
        {
            messages.Add((MessageRoles.Assistant, begun));
        }

        return (Prompt.Of(await vault.OpenOrNullAsync(owner, order.SealedSystemPrompt, cancellation), messages), left);
    }
}
