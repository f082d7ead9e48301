namespace LlmPlatform.Inference.Contracts;

/// <summary>News of a generation.</summary>
public abstract record GenerationEvent;

/// <summary>The prompt fits and is about to be computed.</summary>
/// <param name="PromptTokens">Its tokens, template included.</param>
public sealed record PromptAccepted(int PromptTokens) : GenerationEvent
{
    /// <summary>Messages that were left out because the context is full; always 0 unless the request allows it.</summary>
    public int DroppedMessages { get; init; }

    /// <summary>What the tightest quota still allows, this request taken off; null where none counts tokens.</summary>
    public TokenQuota? Quota { get; init; }
}

/// <summary>A quota of tokens.</summary>
/// <param name="Limit">Tokens of its period.</param>
/// <param name="Left">Of those, neither used nor promised.</param>
/// <param name="EndsAt">When the next period begins.</param>
public sealed record TokenQuota(long Limit, long Left, DateTimeOffset EndsAt);

/// <summary>A piece of text, whole characters only.</summary>
/// <param name="Text">The piece.</param>
/// <param name="CompletionTokens">Completion tokens so far.</param>
public sealed record TextDelta(string Text, int CompletionTokens) : GenerationEvent
{
    /// <summary>
    /// The tokens of this text, null unless asked for. One whose text is not shown whole, because a stop string cut it, is left out, and so is
    /// the mark with which the model ends. Without text it brings the last tokens, which end inside a character.
    /// </summary>
    public IReadOnlyList<TokenLogprob>? Logprobs { get; init; }
}

/// <summary>A piece of what the model thinks before it answers, whole characters only.</summary>
/// <param name="Text">The piece.</param>
/// <param name="CompletionTokens">Completion tokens so far.</param>
public sealed record ReasoningDelta(string Text, int CompletionTokens) : GenerationEvent;

/// <summary>The model begins to ask for a call.</summary>
/// <param name="Index">Which of the reply's calls, from 0.</param>
/// <param name="Id">The call's id.</param>
/// <param name="Name">The function.</param>
/// <param name="CompletionTokens">Completion tokens so far.</param>
public sealed record ToolCallStarted(int Index, string Id, string Name, int CompletionTokens) : GenerationEvent;

/// <summary>A piece of a call's arguments. All pieces together are one JSON object, unless the reply ends with <see cref="FinishReason.Length"/>.</summary>
/// <param name="Index">Which of the reply's calls.</param>
/// <param name="Arguments">The piece.</param>
/// <param name="CompletionTokens">Completion tokens so far.</param>
public sealed record ToolCallDelta(int Index, string Arguments, int CompletionTokens) : GenerationEvent;

/// <summary>How likely a token was.</summary>
/// <param name="Token">Its id.</param>
/// <param name="Bytes">Its text in UTF-8, perhaps a part of a character.</param>
/// <param name="Logprob">Natural logarithm of its probability by the model alone: before temperature, penalties, bias and filters.</param>
/// <param name="Top">The likeliest tokens in its place, best first, as many as were asked for.</param>
public sealed record TokenLogprob(int Token, ReadOnlyMemory<byte> Bytes, float Logprob, IReadOnlyList<TokenLogprob> Top);

/// <summary>The reply is complete.</summary>
/// <param name="Reason">Why it ended.</param>
/// <param name="Usage">What it used.</param>
/// <param name="Timings">Where the time went.</param>
public sealed record GenerationCompleted(FinishReason Reason, TokenUsage Usage, GenerationTimings Timings) : GenerationEvent
{
    /// <summary>Why something in the reply that looked like a call is text; null where nothing did.</summary>
    public string? Diagnostic { get; init; }
}

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

    /// <summary>The model waits for the results of the calls that it asked for.</summary>
    ToolCalls,

    /// <summary>The reader did.</summary>
    Cancelled,
}

/// <summary>Tokens used by a generation.</summary>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="CompletionTokens">Tokens sampled.</param>
/// <param name="CachedTokens">Tokens of the prompt that were found in the KV cache.</param>
/// <param name="ReasoningTokens">Of the tokens sampled, those that were spent on thinking.</param>
public sealed record TokenUsage(int PromptTokens, int CompletionTokens, int CachedTokens, int ReasoningTokens = 0);
