using FluentValidation;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.Chat.Replies;

/// <summary>What a request may say about the reply that it asks for; what is null is the conversation's choice.</summary>
public abstract record ReplyWish
{
    /// <summary>Who answers this time.</summary>
    public string? Model { get; init; }

    public float? Temperature { get; init; }

    public float? TopP { get; init; }

    public int? TopK { get; init; }

    public float? MinP { get; init; }

    public float? RepeatPenalty { get; init; }

    public float? PresencePenalty { get; init; }

    public float? FrequencyPenalty { get; init; }

    /// <summary>Completion tokens at most.</summary>
    public int? MaxTokens { get; init; }

    public long? Seed { get; init; }

    public IReadOnlyList<string>? Stop { get; init; }

    public string? ReasoningEffort { get; init; }

    /// <summary>What becomes of turns that do not fit.</summary>
    public ContextPolicy? Context { get; init; }

    /// <summary>Whether the model may, must or must not begin with a call of one of the conversation's tools.</summary>
    public ToolChoiceMode? ToolChoice { get; init; }

    /// <summary>The version that the sender has seen; null to append to whatever is there.</summary>
    public long? ExpectedVersion { get; init; }

    /// <summary>Names the request: sent twice, it is carried out once.</summary>
    internal string? RequestKey { get; init; }

    internal ChatSettings Over(ChatSettings conversation) => conversation with
    {
        Temperature = Temperature ?? conversation.Temperature,
        TopP = TopP ?? conversation.TopP,
        TopK = TopK ?? conversation.TopK,
        MinP = MinP ?? conversation.MinP,
        RepeatPenalty = RepeatPenalty ?? conversation.RepeatPenalty,
        PresencePenalty = PresencePenalty ?? conversation.PresencePenalty,
        FrequencyPenalty = FrequencyPenalty ?? conversation.FrequencyPenalty,
        MaxTokens = MaxTokens ?? conversation.MaxTokens,
        Seed = Seed ?? conversation.Seed,
        Stop = Stop ?? conversation.Stop,
        ReasoningEffort = ReasoningEffort ?? conversation.ReasoningEffort,
        Context = Context ?? conversation.Context,
    };
}

internal sealed class ReplyWishValidator : AbstractValidator<ReplyWish>
{
    private static readonly ChatSettings None = new();

    public ReplyWishValidator()
    {
        RuleFor(w => w.Model).Length(1, 100);
        RuleFor(w => w.ExpectedVersion).GreaterThan(0);
        RuleFor(w => w.Over(None)).SetValidator(new ChatSettingsValidator()).OverridePropertyName("");
    }
}

internal static class MessageRules
{
    public const int LongestText = 1_000_000;
    public const int LongestPrompt = 200_000;
    private const int MostFiles = 20;
    private const int LongestFiles = 2_000_000;
    private const int LongestFileName = 255;

    public static IRuleBuilderOptions<T, string> MessageText<T>(this IRuleBuilder<T, string> rule) => rule
        .NotEmpty().MaximumLength(LongestText).Must(text => Validating.IsText(text)).WithMessage("A message is text; it holds no NUL and no half characters.");

    public static IRuleBuilderOptions<T, IReadOnlyList<Attachment>> Files<T>(this IRuleBuilder<T, IReadOnlyList<Attachment>> rule) => rule
        .Must(files => files.Count <= MostFiles && files.All(f => f is not null) && files.Sum(f => (long)f.Content.Length) <= LongestFiles)
            .WithMessage($"A message takes at most {MostFiles} files, of {LongestFiles} characters together.").WithErrorCode("attachment.too_large")
        .Must(files => files.All(f => f?.Name.Length is > 0 and <= LongestFileName && !f.Name.Any(char.IsControl) && Validating.IsText(f.Name)))
            .WithMessage($"A file's name has 1 to {LongestFileName} characters on one line.").WithErrorCode("attachment.name")
        .Must(files => files.All(f => f is not null && Validating.IsText(f.Content)))
            .WithMessage("Only files of text can be attached.").WithErrorCode("attachment.not_text");
}
