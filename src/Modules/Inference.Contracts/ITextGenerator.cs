namespace LlmPlatform.Inference.Contracts;

/// <summary>Generates text with an installed model. It takes messages and never a prompt: templates belong to the model's side.</summary>
public interface ITextGenerator
{
    /// <summary>
    /// Streams one reply: first <see cref="PromptAccepted"/>, then any number of <see cref="TextDelta"/>, last <see cref="GenerationCompleted"/>.
    /// Cancelling stops the model within a step. Throws <see cref="GenerationException"/> where the request is refused or the engine fails.
    /// </summary>
    IAsyncEnumerable<GenerationEvent> GenerateAsync(GenerationRequest request, CancellationToken cancellation);
}

/// <summary>One reply that is asked for.</summary>
/// <param name="Model">Name of an installed model.</param>
/// <param name="UserId">Who asks: fairness, reuse and accounting stay inside it.</param>
/// <param name="Messages">The conversation so far, oldest first.</param>
public sealed record GenerationRequest(string Model, Guid UserId, IReadOnlyList<ChatMessage> Messages)
{
    /// <summary>How tokens are chosen.</summary>
    public SamplingOptions Sampling { get; init; } = new();

    /// <summary>Completion tokens at most; null until the context is full.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>The text ends before the first of these.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];
}

/// <summary>One message of a conversation.</summary>
/// <param name="Role"><c>system</c>, <c>user</c>, <c>assistant</c> or <c>tool</c>.</param>
/// <param name="Content">Its text.</param>
public sealed record ChatMessage(string Role, string Content);

/// <summary>How tokens are chosen.</summary>
public sealed record SamplingOptions
{
    /// <summary>0 is greedy; 2 at most.</summary>
    public float Temperature { get; init; } = 1f;

    /// <summary>Nucleus: the smallest set of tokens whose probabilities reach this sum; null for all.</summary>
    public float? TopP { get; init; }

    /// <summary>The k likeliest tokens; null for all.</summary>
    public int? TopK { get; init; }

    /// <summary>Tokens at least this fraction as likely as the likeliest; null for all.</summary>
    public float? MinP { get; init; }

    /// <summary>The same seed, model and request give the same text; null draws one.</summary>
    public long? Seed { get; init; }
}

/// <summary>News of a generation.</summary>
public abstract record GenerationEvent;

/// <summary>The prompt fits and is about to be computed.</summary>
/// <param name="PromptTokens">Its tokens, template included.</param>
public sealed record PromptAccepted(int PromptTokens) : GenerationEvent;

/// <summary>A piece of text, whole characters only.</summary>
/// <param name="Text">The piece.</param>
/// <param name="CompletionTokens">Completion tokens so far.</param>
public sealed record TextDelta(string Text, int CompletionTokens) : GenerationEvent;

/// <summary>The reply is complete.</summary>
/// <param name="Reason">Why it ended.</param>
/// <param name="Usage">What it used.</param>
/// <param name="Timings">Where the time went.</param>
public sealed record GenerationCompleted(FinishReason Reason, TokenUsage Usage, GenerationTimings Timings) : GenerationEvent;

/// <summary>Where the time of a generation went, inside the engine.</summary>
/// <param name="Queue">From its arrival to its admission.</param>
/// <param name="Prefill">From there to the first token.</param>
/// <param name="Decode">From the first token to the last.</param>
/// <param name="DraftedTokens">Tokens that were guessed ahead.</param>
/// <param name="AcceptedTokens">Of those, the right ones.</param>
public sealed record GenerationTimings(TimeSpan Queue, TimeSpan Prefill, TimeSpan Decode, int DraftedTokens, int AcceptedTokens);

/// <summary>Why a generation ended.</summary>
public enum FinishReason
{
    /// <summary>The model ended it, or a stop string did.</summary>
    Stop,

    /// <summary>The token limit or the context window did.</summary>
    Length,

    /// <summary>The reader did.</summary>
    Cancelled,
}

/// <summary>Tokens used by a generation.</summary>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="CompletionTokens">Tokens sampled.</param>
/// <param name="CachedTokens">Tokens of the prompt that were found in the KV cache.</param>
public sealed record TokenUsage(int PromptTokens, int CompletionTokens, int CachedTokens);
