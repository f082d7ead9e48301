using FluentValidation;
using LlmPlatform.Chat.Contracts;
using LlmPlatform.Chat.Folders;
using LlmPlatform.Chat.Replies;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Chat.Conversations;

/// <summary>Changes what is named; the rest stays. What <c>reset</c> names (<c>title</c>, <c>systemPrompt</c>, <c>folderId</c>) is taken away.</summary>
public sealed record ChangeConversation(
    long? ExpectedVersion = null,
    string? Title = null,
    string? Model = null,
    string? SystemPrompt = null,
    ChatSettings? Settings = null,
    bool? IsPinned = null,
    bool? IsArchived = null,
    Guid? FolderId = null,
    IReadOnlyList<string>? Tags = null,
    IReadOnlyList<string>? Reset = null)
{
    internal bool Resets(string field) => Reset?.Contains(field) == true;
}

internal sealed class ChangeConversationValidator : AbstractValidator<ChangeConversation>
{
    private static readonly string[] Resettable = ["title", "systemPrompt", "folderId"];

    public ChangeConversationValidator()
    {
        RuleFor(c => c.ExpectedVersion).GreaterThan(0);
        RuleFor(c => c.Title).Length(1, ConversationRules.LongestTitle);
        RuleFor(c => c.Model).Length(1, 100);
        RuleFor(c => c.SystemPrompt).MaximumLength(MessageRules.LongestPrompt);
        RuleFor(c => c.Settings!).SetValidator(new ChatSettingsValidator()).When(c => c.Settings is not null);
        RuleFor(c => c.Tags).Must(tags => tags is null || (tags.Count <= ConversationRules.MostTags && tags.All(t => t?.Trim().Length is > 0 and <= ConversationRules.LongestTag && Validating.IsText(t))))
            .WithMessage($"tags holds at most {ConversationRules.MostTags} tags of 1 to {ConversationRules.LongestTag} characters.");
        RuleFor(c => c.Reset).Must(reset => reset is null || reset.All(Resettable.Contains)).WithMessage($"reset names only: {string.Join(", ", Resettable)}.");
    }
}

public static class ChangeConversationEndpoint
{
    [WolverinePatch("/api/v1/chat/conversations/{conversationId}", OperationId = "changeConversation"), Authorize]
    [EndpointSummary("Rename, file or configure a conversation"), Tags("Conversations")]
    [ProducesResponseType<ProblemDetails>(404), ProducesResponseType<ProblemDetails>(409)]
    public static async Task<(ConversationSummary, OutgoingMessages)> Patch(
        Guid conversationId,
        ChangeConversation command,
        IDocumentSession session,
        SubjectVault vault,
        IModelCatalog models,
        ConversationReader reader,
        CurrentUser currentUser,
        DateTimeOffset now,
        CancellationToken cancellation)
    {
        var model = command.Model is { } name ? await models.CheckedAsync(name, currentUser, cancellation) : null; // before: whoever holds a conversation must not wait for another connection
        var conversation = await session.TakeConversationAsync(conversationId, currentUser.Id, cancellation);
        conversation.ExpectSettings(command.ExpectedVersion);
        var events = new List<object>();
        if (command.Title is not null || command.Resets("title"))
        {
            events.Add(new ConversationRenamed(await vault.SealOrNullAsync(currentUser.Id, command.Resets("title") ? null : command.Title, cancellation), false, now));
        }

        if (command.Model is not null || command.SystemPrompt is not null || command.Settings is not null || command.Resets("systemPrompt"))
        {
            var prompt = command.Resets("systemPrompt") ? null
                : command.SystemPrompt is { } text ? await vault.SealOrNullAsync(currentUser.Id, text, cancellation)
                : conversation.SealedSystemPrompt;
            events.Add(new ConversationConfigured(model ?? conversation.Model, prompt, command.Settings ?? conversation.Settings, now));
        }

        if (command.IsPinned is not null || command.IsArchived is not null || command.FolderId is not null || command.Tags is not null || command.Resets("folderId"))
        {
            var folder = command.Resets("folderId") ? null : command.FolderId ?? conversation.FolderId;
            if (command.FolderId is { } wanted)
            {
                await session.FolderAsync(wanted, currentUser.Id, cancellation);
            }

            var (tags, sealedTags) = command.Tags is { } named
                ? await TagDigests.SealAsync(vault, currentUser.Id, named, cancellation)
                : (conversation.Tags, conversation.SealedTags);
            events.Add(new ConversationFiled(command.IsPinned ?? conversation.IsPinned, command.IsArchived ?? conversation.IsArchived, folder, tags, sealedTags, now));
        }

        if (events.Count == 0)
        {
            return (await reader.SummaryAsync(conversation, cancellation), []);
        }

        var after = session.Append(conversation, events);
        var what = events.Any(e => e is not ConversationRenamed) ? "changed" : "renamed";
        return (await reader.SummaryAsync(after, cancellation), [new ConversationChanged(currentUser.Id, after.Id, after.Version, what, null, now)]);
    }
}
