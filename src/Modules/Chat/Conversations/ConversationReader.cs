using LlmPlatform.Chat.Replies;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Chat.Conversations;

/// <summary>Opens what is sealed of a conversation, for its owner.</summary>
public sealed class ConversationReader(SubjectVault vault, ReplyTables replies)
{
    public async Task<ConversationView> ViewAsync(Conversation head, IReadOnlyList<Message> shown, ILookup<Guid?, Message>? siblings, CancellationToken cancellation)
    {
        var views = new List<MessageView>(shown.Count);
        foreach (var message in shown)
        {
            var view = await ViewAsync(head.OwnerId, message, cancellation);
            var beside = siblings?[message.ParentId].OrderBy(m => m.Number).Select(m => m.Id).ToArray() ?? [];
            views.Add(beside.Length > 1 ? view with { Siblings = beside } : view);
        }

        return new ConversationView(
            head.Id,
            await vault.OpenOrNullAsync(head.OwnerId, head.SealedTitle, cancellation),
            head.Model,
            head.Version,
            await vault.OpenOrNullAsync(head.OwnerId, head.SealedSystemPrompt, cancellation),
            head.Settings,
            head.ActiveLeaf,
            head.IsPinned,
            head.IsArchived,
            head.FolderId,
            await TagsAsync(head, cancellation),
            head.StartedAt,
            head.ActiveAt,
            head.BinnedAt,
            views);
    }

    public async Task<ConversationSummary> SummaryAsync(Conversation head, CancellationToken cancellation) => new(
        head.Id,
        await vault.OpenOrNullAsync(head.OwnerId, head.SealedTitle, cancellation),
        head.Model,
        head.Version,
        head.Messages,
        head.IsPinned,
        head.IsArchived,
        head.FolderId,
        await TagsAsync(head, cancellation),
        head.StartedAt,
        head.ActiveAt,
        head.BinnedAt);

    public async Task<MessageView> ViewAsync(Guid owner, Message message, CancellationToken cancellation)
    {
        var body = message.State == MessageState.Streaming ? await replies.ReadAsync(owner, message, cancellation) : await vault.OpenBodyAsync(owner, message, cancellation);
        return new MessageView(message.Id, message.ParentId, message.Role, body.Text, message.State, message.At)
        {
            Model = message.Model,
            Reasoning = body.Reasoning,
            Attachments = body.Attachments,
            Tools = [.. Steps(body)],
            FinishReason = message.FinishReason,
            Usage = message.Usage,
            DroppedMessages = body.DroppedMessages,
            Error = message.Error,
            EndedAt = message.EndedAt,
            EditOf = message.EditOf,
        };
    }

    internal async Task<IReadOnlyList<string>> TagsAsync(Conversation head, CancellationToken cancellation) =>
        await vault.OpenJsonAsync<string[]>(head.OwnerId, head.SealedTags, cancellation) ?? [];

    private static IEnumerable<ToolStep> Steps(MessageBody body)
    {
        // The result stands right behind its call; a call that broke off has none.
        for (var i = 0; i < body.Parts.Count; i++)
        {
            if (body.Parts[i] is { Kind: PartKind.ToolCall } call)
            {
                var result = i + 1 < body.Parts.Count && body.Parts[i + 1].Kind == PartKind.ToolResult ? body.Parts[i + 1] : null;
                yield return new ToolStep(call.CallId, call.Name, call.Text, result?.Text, result?.IsError ?? false);
            }
        }
    }
}
