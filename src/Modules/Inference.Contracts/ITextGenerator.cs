namespace LlmPlatform.Inference.Contracts;

/// <summary>Generates text with an installed model. It takes messages and never a prompt: templates belong to the model's side.</summary>
public interface ITextGenerator
{
    /// <summary>
    /// Streams one reply: first <see cref="PromptAccepted"/>, then any number of <see cref="ReasoningDelta"/>, <see cref="TextDelta"/>,
    /// <see cref="ToolCallStarted"/> and <see cref="ToolCallDelta"/>, last <see cref="GenerationCompleted"/>.
    /// Cancelling stops the model within a step. Throws <see cref="GenerationException"/> where the request is refused or the engine fails.
    /// </summary>
    IAsyncEnumerable<GenerationEvent> GenerateAsync(GenerationRequest request, CancellationToken cancellation);
}

/// <summary>One reply that is asked for.</summary>
/// <param name="Model">Name of a model, a preset or an alias.</param>
/// <param name="User">Who asks.</param>
/// <param name="Messages">The conversation so far, oldest first.</param>
public sealed record GenerationRequest(string Model, ModelUser User, IReadOnlyList<ChatMessage> Messages)
{
    /// <summary>How tokens are chosen.</summary>
    public SamplingOptions Sampling { get; init; } = new();

    /// <summary>Completion tokens at most; null until the context is full.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>The text of the answer ends before the first of these; reasoning and tool calls do not end there.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>The last message is the assistant's and is not finished: the reply is what comes after it, and not a message of its own.</summary>
    public bool ContinuesLastMessage { get; init; }

    /// <summary>Functions that the model may ask to be called.</summary>
    public IReadOnlyList<Tool> Tools { get; init; } = [];

    /// <summary>Whether it may, must or must not.</summary>
    public ToolChoice ToolChoice { get; init; } = ToolChoice.Auto;

    /// <summary>Whether one reply may ask for several calls.</summary>
    public bool ParallelToolCalls { get; init; } = true;

    /// <summary>What the text of the answer has to be; null for any text.</summary>
    public OutputFormat? Format { get; init; }

    /// <summary>How much the model thinks before it answers: <c>none</c>, <c>minimal</c>, <c>low</c>, <c>medium</c> or <c>high</c>; null leaves it to the model.</summary>
    public string? ReasoningEffort { get; init; }

    /// <summary>Values that the model's chat template reads, as a JSON object; null for none.</summary>
    public string? TemplateArguments { get; init; }

    /// <summary>A conversation that is longer than the context loses its oldest turns instead of being refused; the system prompt stays.</summary>
    public bool DropsOldestTurns { get; init; }
}

/// <summary>How tokens are chosen. What is null is a preset's choice, where the model is one.</summary>
public sealed record SamplingOptions
{
    /// <summary>0 is greedy; 2 at most; null for 1.</summary>
    public float? Temperature { get; init; }

    /// <summary>Nucleus: the smallest set of tokens whose probabilities reach this sum; null for all.</summary>
    public float? TopP { get; init; }

    /// <summary>The k likeliest tokens; null for all.</summary>
    public int? TopK { get; init; }

    /// <summary>Tokens at least this fraction as likely as the likeliest; null for all.</summary>
    public float? MinP { get; init; }

    /// <summary>The tokens whose surprise is closest to the expected one, until their probabilities reach this sum; null for all.</summary>
    public float? TypicalP { get; init; }

    /// <summary>
    /// Above 1 makes tokens less likely that the last <see cref="RepeatLastN"/> ones hold, prompt included: a positive score is divided by it,
    /// another one multiplied. 0.01 to 10; null for 1.
    /// </summary>
    public float? RepeatPenalty { get; init; }

    /// <summary>How many tokens <see cref="RepeatPenalty"/> looks back; null for 64.</summary>
    public int? RepeatLastN { get; init; }

    /// <summary>Taken off the score of every token that was generated already. -2 to 2.</summary>
    public float? PresencePenalty { get; init; }

    /// <summary>Taken off the score of a token as often as it was generated already. -2 to 2.</summary>
    public float? FrequencyPenalty { get; init; }

    /// <summary>Added to the scores of tokens, by their ids. -100, which forbids a token in practice, to 100.</summary>
    public IReadOnlyDictionary<int, float>? LogitBias { get; init; }

    /// <summary>Asks for log probabilities of the tokens, each with so many of the likeliest ones. 0 to 20; null for none.</summary>
    public int? TopLogprobs { get; init; }

    /// <summary>The model does not end the text before so many completion tokens. A stop string still does.</summary>
    public int MinTokens { get; init; }

    /// <summary>The model never ends the text: only a stop string or a limit does.</summary>
    public bool IgnoreEos { get; init; }

    /// <summary>The same seed, model and request give the same text; null draws one.</summary>
    public long? Seed { get; init; }

    /// <summary>Which of several replies to one request this is, from 0: its seed is so much higher.</summary>
    public int Choice { get; init; }
}
