using FluentValidation;
using LlmPlatform.Chat.Contracts;
using LlmPlatform.Chat.Folders;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Chat.Conversations;

/// <summary>What can be done with many conversations at once.</summary>
public enum ManyAction
{
    Archive,
    Unarchive,
    Bin,
    Restore,
    DeleteForever,

    /// <summary>Into the folder that is named; out of every folder where none is.</summary>
    Move,
}

/// <summary>Does the same with many conversations: with all of them, or, where one is not there, with none.</summary>
public sealed record ChangeMany(IReadOnlyList<Guid> Ids, ManyAction Action, Guid? FolderId = null);

internal sealed class ChangeManyValidator : AbstractValidator<ChangeMany>
{
    private const int Most = 200;

    public ChangeManyValidator()
    {
        RuleFor(c => c.Ids).Must(ids => ids.Count is > 0 and <= Most).WithMessage($"ids holds 1 to {Most} conversations.");
        RuleFor(c => c.Action).IsInEnum();
    }
}

/// <summary>How many were changed; the others were so already.</summary>
public sealed record ChangedMany(int Changed);

public static class ChangeManyEndpoint
{
    [WolverinePost("/api/v1/chat/conversations/bulk", OperationId = "changeConversations"), Authorize]
    [EndpointSummary("Archive, move, bin, restore or delete many conversations at once"), Tags("Conversations"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(ChangedMany, OutgoingMessages)> Post(
        ChangeMany command, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        if (command.FolderId is { } folder)
        {
            await session.FolderAsync(folder, currentUser.Id, cancellation);
        }

        var news = new OutgoingMessages();
        // In the order of their ids, so that two who take several wait for each other and never both for ever.
        foreach (var id in command.Ids.Distinct().Order())
        {
            news.AddRange(Change(session, await session.TakeConversationAsync(id, currentUser.Id, cancellation), command, now));
        }

        return (new ChangedMany(news.Count), news);
    }

    private static OutgoingMessages Change(IDocumentSession session, Conversation conversation, ChangeMany command, DateTimeOffset now)
    {
        switch (command.Action)
        {
            case ManyAction.Bin:
                return BinConversationEndpoint.Bin(session, conversation, now);
            case ManyAction.DeleteForever:
                return BinConversationEndpoint.DeleteForever(session, conversation, now);
            case ManyAction.Restore:
                return conversation.BinnedAt is null ? [] : News(new ConversationRestored(now));
            case ManyAction.Move:
                return conversation.FolderId == command.FolderId ? [] : News(Filed(conversation.IsArchived, command.FolderId));
            default:
                var archived = command.Action == ManyAction.Archive;
                return conversation.IsArchived == archived ? [] : News(Filed(archived, conversation.FolderId));
        }

        ConversationFiled Filed(bool isArchived, Guid? folder) => new(conversation.IsPinned, isArchived, folder, conversation.Tags, conversation.SealedTags, now);

        OutgoingMessages News(object e) =>
            [new ConversationChanged(conversation.OwnerId, conversation.Id, session.Append(conversation, e).Version, "changed", null, now)];
    }
}
