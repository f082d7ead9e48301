using FluentValidation;
using LlmPlatform.Chat.Contracts;
using LlmPlatform.Chat.Folders;
using LlmPlatform.Chat.Replies;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Chat.Conversations;

/// <summary>Begins a conversation. Without a model it is with the platform's first choice for the caller.</summary>
public sealed record StartConversation(string? Model = null, string? Title = null, string? SystemPrompt = null, ChatSettings? Settings = null, Guid? FolderId = null);

internal sealed class StartConversationValidator : AbstractValidator<StartConversation>
{
    public StartConversationValidator()
    {
        RuleFor(c => c.Model).Must(model => model is null || Validating.IsName(model, 100)).WithMessage("A model's name has 1 to 100 characters.");
        RuleFor(c => c.Title).MaximumLength(ConversationRules.LongestTitle);
        RuleFor(c => c.SystemPrompt).MaximumLength(MessageRules.LongestPrompt);
        RuleFor(c => c.Settings!).SetValidator(new ChatSettingsValidator()).When(c => c.Settings is not null);
    }
}

internal static class ConversationRules
{
    public const int LongestTitle = 300;
    public const int MostTags = 32;
    public const int LongestTag = 64;
}

public static class StartConversationEndpoint
{
    [WolverinePost("/api/v1/chat/conversations", OperationId = "startConversation"), Authorize]
    [EndpointSummary("Begin a conversation"), Tags("Conversations"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(Created<ConversationView>, OutgoingMessages)> Post(
        StartConversation command,
        IDocumentSession session,
        SubjectVault vault,
        IModelCatalog models,
        ConversationReader reader,
        CurrentUser currentUser,
        DateTimeOffset now,
        CancellationToken cancellation)
    {
        var owner = currentUser.Id;
        var model = await models.ChosenAsync(command.Model, currentUser, cancellation);
        var started = new ConversationStarted(
            Guid.CreateVersion7(now),
            owner,
            model,
            await vault.SealOrNullAsync(owner, command.Title, cancellation),
            await vault.SealOrNullAsync(owner, command.SystemPrompt, cancellation),
            command.Settings ?? new ChatSettings(),
            now);
        List<object> events = [started];
        if (command.FolderId is { } folder)
        {
            await session.FolderAsync(folder, owner, cancellation);
            events.Add(new ConversationFiled(false, false, folder, [], null, now));
        }

        session.Events.StartStream(started.ConversationId, events);
        var conversation = ConversationTree.Replay(events)!.Head;
        var view = await reader.ViewAsync(conversation, [], null, cancellation);
        return (
            TypedResults.Created($"/api/v1/chat/conversations/{view.Id}", view),
            [new ConversationChanged(owner, view.Id, view.Version, "created", null, now)]);
    }
}
