using System.Diagnostics;
using LlmPlatform.Inference.Engine.Constraints;
using LlmPlatform.Inference.Engine.Llama;
using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// One generation on its way. For the scheduler it is two numbers: the tokens it has, and how many of them the KV cache already holds; every
/// step brings them closer.
/// </summary>
internal sealed class Sequence(Submit request, Outbox outbox) : EngineRequest(request, outbox)
{
    private List<int> tokens = [];
    private Vocabulary vocabulary = null!;
    private Sampler sampler = null!;
    private ReplyStream reply = null!;
    private ConstraintState? constraint;
    private float[]? ownScores; // the model's, where a constraint changes them and somebody asks for them
    private PromptLookup? lookup;
    private int mostTokens;
    private int promptTokens;
    private int cachedTokens;
    private int reasoningTokens;
    private long admitted;
    private long firstToken;
    private long lastToken;

    /// <summary>Its id in the KV cache while it runs.</summary>
    internal int Slot { get; set; }

    internal double Weight => Request.Weight > 0 ? Request.Weight : 1;

    internal List<int> TokenList => tokens;

    internal int Computed { get; set; }

    internal int Remaining => tokens.Count - Computed;

    /// <summary>From its admission to now.</summary>
    internal TimeSpan Service => Stopwatch.GetElapsedTime(admitted);

    private int CompletionTokens => tokens.Count - promptTokens;

    /// <summary>Whether the other one was there before this one had said anything.</summary>
    internal bool CameWith(Sequence other) => firstToken == 0 || other.Arrived <= firstToken;

    protected override bool IsAdmitted => admitted != 0;

    protected override bool HasSaidSomething => firstToken != 0;

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

    internal override void Begin(LoadedModel model, ChatLanguage? language)
    {
        if (!model.Generates)
        {
            throw new RequestRefusedException("param.unsupported", "This model makes vectors of texts and generates none.", "model");
        }

        vocabulary = model.Model.Vocabulary;
        var sampling = Request.Sampling ?? new Sampling();
        var logprobs = LogProbabilities.Of(sampling);
        var stops = new StopStrings(Request.Stop);
        var prompt = new Prompt(vocabulary, language, ContextOf(model)).Tokenize(Request);
        tokens = prompt.Tokens;
        constraint = Constrain(model, language is null ? AnswerConstraint.Text(Request.Form) : language.FormOf(Request, prompt.EndsInReasoning));
        ownScores = constraint is not null && logprobs is not null ? new float[vocabulary.Size] : null;
        var parser = language?.Parser(Request.Conversation, prompt.EndsInReasoning);
        reply = new ReplyStream(vocabulary, parser, new StopStrings(language?.TurnEnds ?? []), stops, logprobs);
        sampler = new Sampler(sampling, Penalties.Of(sampling, vocabulary.Size, vocabulary.EndMarks, tokens));
        promptTokens = tokens.Count;
        var room = ContextOf(model) - promptTokens;
        mostTokens = Request.HasMaxTokens ? (int)Math.Min(Request.MaxTokens, (uint)room) : room;
        Say(new Event { Id = Id, Admitted = new Admitted { PromptTokens = (uint)promptTokens, DroppedMessages = (uint)prompt.DroppedMessages } });
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
        var token = Choose(logits);
        tokens.Add(token);
        RecordToken();
        reasoningTokens += reply.InReasoning ? 1 : 0;
        if (vocabulary.EndsGeneration(token))
        {
            Tell(reply.End(token));
            Finish(FinishReason.Stop);
            return;
        }

        Tell(reply.Push(token, ownScores ?? logits));
        if (reply.HasStopped)
        {
            Finish(FinishReason.Stop);
        }
        else if (constraint is { MustEnd: true })
        {
            Tell(reply.End(null));
            Finish(FinishReason.Stop);
        }
        else if (CompletionTokens >= mostTokens)
        {
            Tell(reply.End(null));
            Finish(FinishReason.Length);
        }
    }

    /// <summary>It has a token now.</summary>
    internal void RecordToken()
    {
        lastToken = Stopwatch.GetTimestamp();
        firstToken = firstToken == 0 ? lastToken : firstToken;
    }

    internal override void Finish(FinishReason reason)
    {
        var usage = new Usage
        {
            PromptTokens = (uint)promptTokens,
            CompletionTokens = (uint)CompletionTokens,
            CachedTokens = (uint)cachedTokens,
            ReasoningTokens = (uint)reasoningTokens,
        };
        var waitsForCalls = reason == FinishReason.Stop && reply is { HasCalls: true };
        Finish(new Finished { Reason = waitsForCalls ? FinishReason.ToolCalls : reason, Usage = usage, Timings = Timings(), Diagnostic = reply?.Diagnostic ?? "" });
    }

    private ConstraintState? Constrain(LoadedModel model, ConstraintSource? form)
    {
        try
        {
            return form is null ? null : model.Constraints.Compile(form).Start();
        }
        catch (RequestRefusedException refusal)
        {
            throw new RequestRefusedException(refusal.Code, refusal.Message, Request.Form is null ? "tools" : "response_format");
        }
    }

    private int Choose(Span<float> logits)
    {
        if (constraint is null)
        {
            return sampler.Next(logits);
        }

        if (ownScores is not null)
        {
            logits.CopyTo(ownScores);
        }

        constraint.Mask(logits);
        if (constraint.Refusal is { } refusal)
        {
            throw refusal;
        }

        var token = sampler.Next(logits);
        return vocabulary.EndsGeneration(token) || constraint.TryAccept(token)
            ? token
            : throw new InvalidOperationException($"Token {token} was chosen although the constraint forbids it.");
    }

    private void Tell(IReadOnlyList<Delta> deltas)
    {
        foreach (var delta in deltas)
        {
            delta.Tokens = (uint)CompletionTokens;
            Say(new Event { Id = Id, Delta = delta });
        }
    }

    private Timings Timings()
    {
        var now = Stopwatch.GetTimestamp();
        return new Timings
        {
            Queue = Microseconds(Arrived, admitted == 0 ? now : admitted),
            Prefill = admitted == 0 ? 0 : Microseconds(admitted, firstToken == 0 ? now : firstToken),
            Decode = Microseconds(firstToken, lastToken),
            Drafted = (uint)(lookup?.Drafted ?? 0),
            Accepted = (uint)(lookup?.Accepted ?? 0),
        };
    }

    private static ulong Microseconds(long from, long to) => (ulong)Stopwatch.GetElapsedTime(from, to).TotalMicroseconds;
}
