using LlmPlatform.Chat.Conversations;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;
using Marten;

namespace LlmPlatform.Chat.Replies;

/// <summary>A request for a reply that was taken.</summary>
/// <param name="ConversationId">Where.</param>
/// <param name="UserMessageId">The message it answers.</param>
/// <param name="MessageId">The reply.</param>
/// <param name="Version">The conversation's, since then.</param>
/// <param name="Order">What is to be written; null where the same request was taken before.</param>
public sealed record AcceptedReply(Guid ConversationId, Guid? UserMessageId, Guid MessageId, long Version, ReplyOrder? Order);

internal static class Asking
{
    public static ModelUser ToModelUser(this CurrentUser user) =>
        new(user.Id, user.Role) { Groups = user.Groups, Models = user.Models, ApiKeyId = user.ApiKeyId, ManagesModels = user.May(Permissions.Models) };

    /// <summary>Refuses a model that the caller cannot ask, before anything is stored that would need it.</summary>
    /// <exception cref="Refusal"><c>model_not_found</c>, OpenAI's own code</exception>
    public static async Task<string> CheckedAsync(this IModelCatalog models, string name, CurrentUser user, CancellationToken cancellation) =>
        await models.FindAsync(name, user.ToModelUser(), cancellation) is not null
            ? name
            : throw new Refusal(new Error(404, "model_not_found", $"The model '{name}' does not exist or is not installed.", "model"));

    /// <summary>The same where no model need be named: then it is the platform's first choice for the caller.</summary>
    /// <exception cref="Refusal"><c>model_not_found</c></exception>
    public static async Task<string> ChosenAsync(this IModelCatalog models, string? name, CurrentUser user, CancellationToken cancellation) => name is not null
        ? await models.CheckedAsync(name, user, cancellation)
        : await models.FindDefaultAsync(user.ToModelUser(), cancellation) ?? throw new Refusal(new Error(404, "model_not_found", "No model is installed that you may use.", "model"));

    /// <summary>The same for what a wish names, or its conversation. Before the conversation is taken: whoever holds it must not wait for another connection.</summary>
    public static Task<string> CheckedAsync(this IModelCatalog models, ReplyWish wish, Conversation conversation, CurrentUser user, CancellationToken cancellation) =>
        models.CheckedAsync(wish.Model ?? conversation.Model, user, cancellation);

    /// <summary>What came of the same request, where it was taken before: a crash may have cost its sender the answer.</summary>
    public static async Task<AcceptedReply?> FindAsync(this IQuerySession session, Conversation conversation, ReplyWish wish, CancellationToken cancellation)
    {
        if (wish.RequestKey is not { } key)
        {
            return null;
        }

        var id = conversation.Id;
        var known = await session.Query<Message>().Where(m => m.RequestKey == key && m.ConversationId == id).FirstOrDefaultAsync(cancellation);
        if (known is { Role: MessageRoles.User })
        {
            var sent = known.Id;
            known = await session.Query<Message>().Where(m => m.ParentId == sent && m.ConversationId == id).OrderBy(m => m.Number).FirstOrDefaultAsync(cancellation);
        }

        return known is null ? null : new AcceptedReply(id, known.ParentId, known.Id, conversation.Version, null);
    }

    /// <summary>Keeps the place of a reply, after the events that lead to it, and gives what is to be written there.</summary>
    public static AcceptedReply Ask(
        this IDocumentSession session, Conversation conversation, IReadOnlyList<object> before, Guid? parentId, ReplyWish wish, CurrentUser user, DateTimeOffset now)
    {
        var model = wish.Model ?? conversation.Model;
        var started = new ReplyStarted(Guid.CreateVersion7(now), parentId, model, now) { RequestKey = before.Count == 0 ? wish.RequestKey : null };
        var after = session.Append(conversation, [.. before, started]);
        var order = new ReplyOrder(
            conversation.Id, started.MessageId, parentId, after.Version, user.ToModelUser(), model, wish.Over(conversation.Settings), conversation.SealedSystemPrompt)
        {
            ToolChoice = wish.ToolChoice ?? ToolChoiceMode.Auto,
        };
        ReplyTables.Begin(session, order, now);
        return new AcceptedReply(conversation.Id, parentId, started.MessageId, after.Version, order);
    }
}
