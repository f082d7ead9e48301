using FluentValidation;
using LlmPlatform.Chat.Contracts;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Chat.Conversations;

/// <summary>Begins a conversation of its own with the messages up to one; null for the branch that is shown.</summary>
public sealed record ForkConversation(Guid? MessageId = null, string? Title = null);

internal sealed class ForkConversationValidator : AbstractValidator<ForkConversation>
{
    public ForkConversationValidator() => RuleFor(c => c.Title).MaximumLength(ConversationRules.LongestTitle);
}

public static class ForkConversationEndpoint
{
    [WolverinePost("/api/v1/chat/conversations/{conversationId}/fork", OperationId = "forkConversation"), Authorize]
    [EndpointSummary("Begin a conversation with the messages of another"), Tags("Conversations"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(Created<ConversationView>, OutgoingMessages)> Post(
        Guid conversationId,
        ForkConversation command,
        IDocumentSession session,
        SubjectVault vault,
        ConversationReader reader,
        CurrentUser currentUser,
        DateTimeOffset now,
        CancellationToken cancellation)
    {
        var source = await session.TakeConversationAsync(conversationId, currentUser.Id, cancellation);
        var last = command.MessageId is { } wanted ? (await session.MessageAsync(source, wanted, cancellation)).Id : source.ActiveLeaf;
        var tree = new ConversationTree(source, await session.MessagesOfAsync(source.Id, cancellation));
        var title = command.Title is { } named ? await vault.SealOrNullAsync(currentUser.Id, named, cancellation) : source.SealedTitle;
        var id = Guid.CreateVersion7(now);
        List<object> events = [new ConversationStarted(id, currentUser.Id, source.Model, title, source.SealedSystemPrompt, source.Settings, now) { Origin = $"fork:{source.Id}" }];
        Guid? parent = null;
        // A reply that is still being written stays where it is: here it would never end.
        foreach (var message in tree.BranchTo(last).TakeWhile(m => m.State != MessageState.Streaming && m.SealedBody is not null))
        {
            var copy = new MessageAdded(Guid.CreateVersion7(now), parent, message.Role, message.SealedBody!, message.At) { Model = message.Model };
            events.Add(copy);
            parent = copy.MessageId;
        }

        session.Events.StartStream(id, events);
        var fork = ConversationTree.Replay(events)!;
        var view = await reader.ViewAsync(fork.Head, fork.BranchTo(fork.Head.ActiveLeaf), null, cancellation);
        return (TypedResults.Created($"/api/v1/chat/conversations/{id}", view), [new ConversationChanged(currentUser.Id, id, view.Version, "created", null, now)]);
    }
}
