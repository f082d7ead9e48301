using System.Diagnostics;
using Google.Protobuf;
using LlmPlatform.Inference.Engine.Llama;
using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// One request on its way. For the scheduler it is two numbers: the tokens it has, and how many of them the KV cache already holds; every
/// step brings them closer. Only one thread at a time touches it, except for <see cref="Cancel"/>.
/// </summary>
internal sealed class Sequence(Submit request, Outbox outbox)
{
    private readonly Utf8Assembler characters = new();
    private volatile bool isCancelled;
    private bool hasSpoken;
    private List<int> tokens = [];
    private Vocabulary vocabulary = null!;
    private Sampler sampler = null!;
    private StopStrings stops = null!;
    private LogProbabilities? logprobs;
    private readonly long arrived = Stopwatch.GetTimestamp();
    private PromptLookup? lookup;
    private int mostTokens;
    private int promptTokens;
    private int cachedTokens;
    private long admitted;
    private long firstToken;
    private long lastToken;

    internal ulong Id => request.Id;

    internal Submit Request => request;

    internal bool IsCancelled => isCancelled;

    internal bool IsOver { get; private set; }

    /// <summary>Its id in the KV cache while it runs.</summary>
    internal int Slot { get; set; }

    /// <summary>Only its owner's requests share what is computed for it.</summary>
    internal string Tenant => request.Tenant;

    internal double Weight => request.Weight > 0 ? request.Weight : 1;

    internal List<int> TokenList => tokens;

    internal int Computed { get; set; }

    internal int Remaining => tokens.Count - Computed;

    /// <summary>From its admission to now.</summary>
    internal TimeSpan Service => Stopwatch.GetElapsedTime(admitted);

    private int CompletionTokens => tokens.Count - promptTokens;

    /// <summary>Whether the other one was there before this one had said anything.</summary>
    internal bool CameWith(Sequence other) => firstToken == 0 || other.arrived <= firstToken;

    internal void Cancel() => isCancelled = true;

    /// <summary>The first deadline that has passed, or null.</summary>
    internal string? Late()
    {
        if (request.Deadlines is not { } deadlines)
        {
            return null;
        }

        var waited = Stopwatch.GetElapsedTime(arrived).TotalMilliseconds;
        return deadlines.HasTotal && waited >= deadlines.Total ? "total"
            : firstToken == 0 && deadlines.HasFirstToken && waited >= deadlines.FirstToken ? "first_token"
            : admitted == 0 && deadlines.HasQueue && waited >= deadlines.Queue ? "queue"
            : null;
    }

    /// <summary>It starts, or starts again, with so many of its tokens computed already.</summary>
    internal void Reuse(int computed)
    {
        Computed = computed;
        if (admitted == 0)
        {
            admitted = Stopwatch.GetTimestamp();
            cachedTokens = computed;
        }
    }

    /// <summary>Tokens that may follow, to be computed in advance; null where guessing does not pay.</summary>
    internal int[]? Guess() => (lookup ??= new PromptLookup()).Guess(tokens, mostTokens - CompletionTokens - 1);

    /// <summary>Whether the last token is the one that was guessed.</summary>
    internal bool Confirms(int guess) => !IsOver && tokens[^1] == guess;

    internal void RecordGuess(int accepted) => lookup!.Record(accepted);

    /// <summary>Throws <see cref="RequestRefusedException"/> for what cannot be served.</summary>
    internal void Begin(Vocabulary vocabulary, int contextTokens)
    {
        this.vocabulary = vocabulary;
        var sampling = request.Sampling ?? new Sampling();
        logprobs = LogProbabilities.Of(sampling);
        var isConversation = request.InputCase == Submit.InputOneofCase.Conversation;
        stops = new StopStrings(isConversation && ChatMl.EndsTurnsWithText(vocabulary) ? [.. request.Stop, ChatMl.TurnEnd] : request.Stop);
        tokens = Prompt.Tokenize(request, vocabulary, contextTokens);
        sampler = new Sampler(sampling, Penalties.Of(sampling, vocabulary.Size, vocabulary.EndMarks, tokens));
        promptTokens = tokens.Count;
        var room = contextTokens - promptTokens;
        mostTokens = request.HasMaxTokens ? (int)Math.Min(request.MaxTokens, (uint)room) : room;
        Say(new Event { Id = Id, Admitted = new Admitted { PromptTokens = (uint)promptTokens } });
        if (mostTokens == 0)
        {
            Finish(FinishReason.Length);
        }
    }

    /// <summary>
    /// Takes the scores that follow its last token and says what came of them. Several sequences may do so at once, each with its own scores.
    /// </summary>
    internal void Advance(Span<float> logits)
    {
        var token = sampler.Next(logits);
        tokens.Add(token);
        RecordToken();
        if (vocabulary.EndsGeneration(token))
        {
            TellRest();
            Finish(FinishReason.Stop);
            return;
        }

        var text = characters.Push(vocabulary.Piece(token));
        logprobs?.Add(logits, token, text.Length, characters.HasPart, id => ByteString.CopyFrom(vocabulary.Piece(id)));
        Tell(stops.Push(text), isLast: stops.HasStopped);
        if (stops.HasStopped)
        {
            Finish(FinishReason.Stop);
        }
        else if (CompletionTokens >= mostTokens)
        {
            TellRest();
            Finish(FinishReason.Length);
        }
    }

    /// <summary>It has a token now.</summary>
    internal void RecordToken()
    {
        lastToken = Stopwatch.GetTimestamp();
        firstToken = firstToken == 0 ? lastToken : firstToken;
    }

    internal void Finish(FinishReason reason)
    {
        IsOver = true;
        var usage = new Usage { PromptTokens = (uint)promptTokens, CompletionTokens = (uint)CompletionTokens, CachedTokens = (uint)cachedTokens };
        Say(new Event { Id = Id, Finished = new Finished { Reason = reason, Usage = usage, Timings = Timings() } });
    }

    internal void Fail(string code, string message, string param = "", TimeSpan retryAfter = default)
    {
        IsOver = true;
        var failed = new Failed { Code = code, Message = message, Param = param, RetryAfter = (uint)retryAfter.TotalMilliseconds };
        Say(new Event { Id = Id, Failed = failed });
    }

    /// <summary>Sends what has been said since the last time, a fast model's tokens a few together unless the next ones will take long.</summary>
    internal void Flush(bool isPause = false) => outbox.Flush(isPause);

    /// <summary>The text is over: what was held back is shown.</summary>
    private void TellRest()
    {
        logprobs?.ShowAll();
        Tell(stops.Flush(), isLast: true);
    }

    private void Tell(string text, bool isLast)
    {
        logprobs?.Show(text.Length);
        if (text.Length > 0 || (isLast && logprobs is { HasReady: true }))
        {
            var delta = new Delta { Text = text, Tokens = (uint)CompletionTokens };
            delta.Logprobs.AddRange(logprobs?.TakeReady() ?? []);
            Say(new Event { Id = Id, Delta = delta });
        }
    }

    private Timings Timings()
    {
        var now = Stopwatch.GetTimestamp();
        return new Timings
        {
            Queue = Microseconds(arrived, admitted == 0 ? now : admitted),
            Prefill = admitted == 0 ? 0 : Microseconds(admitted, firstToken == 0 ? now : firstToken),
            Decode = Microseconds(firstToken, lastToken),
            Drafted = (uint)(lookup?.Drafted ?? 0),
            Accepted = (uint)(lookup?.Accepted ?? 0),
        };
    }

    private static ulong Microseconds(long from, long to) => (ulong)Stopwatch.GetElapsedTime(from, to).TotalMicroseconds;

    private void Say(Event news)
    {
        outbox.Add(news, isUrgent: news.Admitted is null && (news.Delta is null || !hasSpoken));
        hasSpoken |= news.Delta is not null;
    }
}
