using FluentValidation;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.Chat.Folders;
using LlmPlatform.Chat.Replies;

namespace LlmPlatform.Chat.Transfer;

/// <summary>What a conversation that is brought here has to keep to. Whether its messages make a tree is looked at where they are planted.</summary>
internal sealed class ConversationFileValidator : AbstractValidator<ConversationFile>
{
    public const int MostMessages = 10_000;
    public const int LongestId = 200;
    public const int LongestModel = 100;

    public ConversationFileValidator()
    {
        RuleLevelCascadeMode = CascadeMode.Stop;
        RuleFor(c => c.Version).Equal(ConversationFile.Edition).WithErrorCode("import.version_unknown").WithMessage($"This platform reads version {ConversationFile.Edition} of the format.");
        RuleFor(c => c.Id).Length(1, LongestId).WithErrorCode("import.id_invalid");
        RuleFor(c => c.Title).Must(title => title is null || (title.Length <= ConversationRules.LongestTitle && Validating.IsText(title)))
            .WithErrorCode("import.title_invalid").WithMessage($"A title has at most {ConversationRules.LongestTitle} characters.");
        RuleFor(c => c.Model).Must(model => Validating.IsName(model, LongestModel))
            .WithErrorCode("import.model_invalid").WithMessage($"A model's name has 1 to {LongestModel} characters.");
        RuleFor(c => c.SystemPrompt).Must(prompt => prompt is null || (prompt.Length <= MessageRules.LongestPrompt && Validating.IsText(prompt)))
            .WithErrorCode("import.text_too_long").WithMessage($"A system prompt has at most {MessageRules.LongestPrompt} characters.");
        RuleFor(c => c.Settings).SetValidator(new ChatSettingsValidator());
        RuleFor(c => c.Tags).Must(tags => tags.Count <= ConversationRules.MostTags && tags.All(tag => !string.IsNullOrWhiteSpace(tag) && tag.Length <= ConversationRules.LongestTag && Validating.IsText(tag)))
            .WithErrorCode("import.tags_invalid").WithMessage($"There are at most {ConversationRules.MostTags} tags of 1 to {ConversationRules.LongestTag} characters.");
        RuleFor(c => c.Folder).Must(folder => folder is null || Validating.IsName(folder, FolderRules.LongestName))
            .WithErrorCode("import.folder_invalid").WithMessage($"A folder's name has 1 to {FolderRules.LongestName} characters.");
        RuleFor(c => c.StartedAt).Must(IsTime).WithErrorCode("import.time_invalid").WithMessage("Conversations begin after 1970.");
        RuleFor(c => c.Messages).Must(messages => messages.Count <= MostMessages)
            .WithErrorCode("import.too_many_messages").WithMessage($"A conversation has at most {MostMessages} messages.")
            .Must(messages => messages.All(message => message is not null)).WithErrorCode("import.message_invalid").WithMessage("A message is an object.");
        RuleForEach(c => c.Messages).SetValidator(new MessageFileValidator());
    }

    internal static bool IsTime(DateTimeOffset at) => at > DateTimeOffset.UnixEpoch;
}

internal sealed class MessageFileValidator : AbstractValidator<MessageFile>
{
    private const int MostParts = 10_000;
    private const int LongestReason = 100;
    private const int LongestSentence = 10_000;

    public MessageFileValidator()
    {
        RuleLevelCascadeMode = CascadeMode.Stop;
        RuleFor(m => m.Id).Length(1, ConversationFileValidator.LongestId).WithErrorCode("import.id_invalid");
        RuleFor(m => m.Role).Must(role => role is MessageRoles.User or MessageRoles.Assistant)
            .WithErrorCode("import.role_invalid").WithMessage($"A role is '{MessageRoles.User}' or '{MessageRoles.Assistant}'.");
        RuleFor(m => m.Model).Must(model => model is null || Validating.IsName(model, ConversationFileValidator.LongestModel))
            .WithErrorCode("import.model_invalid").WithMessage($"A model's name has 1 to {ConversationFileValidator.LongestModel} characters.");
        RuleFor(m => m.State).NotEqual(MessageState.Streaming).WithErrorCode("import.state_invalid").WithMessage("Nobody writes at a message that comes out of a file.");
        RuleFor(m => m.FinishReason).Must(reason => reason is null || Validating.IsName(reason, LongestReason))
            .WithErrorCode("import.end_invalid").WithMessage($"The reason of an end has 1 to {LongestReason} characters.");
        RuleFor(m => m.Error).Must(error => error is null || (Validating.IsName(error.Code, LongestReason) && error.Message.Length <= LongestSentence && Validating.IsText(error.Message)))
            .WithErrorCode("import.end_invalid").WithMessage($"An error is a code of 1 to {LongestReason} characters and a sentence.");
        RuleFor(m => m.Parts).Must(parts => parts.All(part => part is not null)).WithErrorCode("import.part_invalid").WithMessage("A part is an object.")
            .Must(parts => parts.Count <= MostParts && parts.Sum(part => (long)part.Text.Length) <= MessageRules.LongestText)
            .WithErrorCode("import.text_too_long").WithMessage($"A message has at most {MessageRules.LongestText} characters.");
        RuleForEach(m => m.Parts).Must(part => Validating.IsText(part.Text) && Validating.IsText(part.CallId ?? "") && Validating.IsText(part.Name ?? "") && part is { PromptTokens: >= 0, DroppedMessages: >= 0 })
            .When(m => m.Parts.All(part => part is not null))
            .WithErrorCode("import.part_invalid").WithMessage("A part is text without U+0000, and its counts are not negative.");
        RuleFor(m => m.Attachments).Must(files => files.All(file => file is not null)).WithErrorCode("import.file_invalid").WithMessage("A file is an object.").Files();
        RuleFor(m => m.At).Must(ConversationFileValidator.IsTime).WithErrorCode("import.time_invalid").WithMessage("Messages are of a time after 1970.");
    }
}
