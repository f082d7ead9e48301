using FluentValidation;
using LlmPlatform.Chat.Contracts;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Chat.Conversations;

/// <summary>Shows the branch that leads through a message, to the newest of its ends.</summary>
public sealed record ChooseBranch(Guid MessageId, long? ExpectedVersion = null);

internal sealed class ChooseBranchValidator : AbstractValidator<ChooseBranch>
{
    public ChooseBranchValidator() => RuleFor(c => c.ExpectedVersion).GreaterThan(0);
}

public static class ChooseBranchEndpoint
{
    private const string NewestEnd =
        """
        with recursive below (id, data) as (
          select id, data from chat.mt_doc_message where id = ? and conversation_id = ?
          union all
          select m.id, m.data from chat.mt_doc_message m join below b on m.parent_id = b.id and m.conversation_id = ?)
        select data from below order by (data ->> 'number')::bigint desc limit 1
        """;

    [WolverinePut("/api/v1/chat/conversations/{conversationId}/branch", OperationId = "chooseBranch"), Authorize]
    [EndpointSummary("Switch to the branch that leads through a message"), Tags("Conversations"), ProducesResponseType<ProblemDetails>(404), ProducesResponseType<ProblemDetails>(409)]
    public static async Task<(ConversationSummary, OutgoingMessages)> Put(
        Guid conversationId, ChooseBranch command, IDocumentSession session, ConversationReader reader, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var conversation = await session.TakeConversationAsync(conversationId, currentUser.Id, cancellation);
        var message = await session.MessageAsync(conversation, command.MessageId, cancellation);
        conversation.ExpectTree(command.ExpectedVersion);
        var leaf = (await session.QueryAsync<Message>(NewestEnd, cancellation, message.Id, conversation.Id, conversation.Id))[0].Id;
        if (leaf == conversation.ActiveLeaf)
        {
            return (await reader.SummaryAsync(conversation, cancellation), []);
        }

        var after = session.Append(conversation, new BranchChosen(leaf, now));
        return (await reader.SummaryAsync(after, cancellation), [new ConversationChanged(currentUser.Id, after.Id, after.Version, "changed", leaf, now)]);
    }
}
