using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// What a request changes about scores before a token is chosen: logit_bias, then repeat_penalty, then presence and frequency penalties, then
/// end marks that must not come. It touches the tokens that are named or seen, never the whole vocabulary.
/// </summary>
internal sealed class Penalties
{
    private const int DefaultLookback = 64; // as in llama.cpp

    private readonly KeyValuePair<int, float>[] bias;
    private readonly float repeat;
    private readonly float presence;
    private readonly float frequency;
    private readonly int lookback;
    private readonly bool ignoresEnd;
    private readonly uint minTokens;
    private readonly int[] endMarks;
    private readonly Dictionary<int, int> generated = [];
    private readonly Dictionary<int, int> recent = [];
    private readonly Queue<int> window = [];
    private readonly List<(int Id, float Score)> undo = [];
    private uint completionTokens;

    private Penalties(Sampling options, int vocabulary, int[] endMarks)
    {
        bias = [.. options.LogitBias];
        repeat = options.HasRepeatPenalty ? options.RepeatPenalty : 1;
        presence = options.PresencePenalty;
        frequency = options.FrequencyPenalty;
        lookback = repeat == 1 ? 0 : options.HasRepeatLastN ? (int)Math.Min(options.RepeatLastN, int.MaxValue) : DefaultLookback;
        (ignoresEnd, minTokens, this.endMarks) = (options.IgnoreEos, options.MinTokens, endMarks);
        RequestRefusedException.Unless(float.IsFinite(repeat) && repeat > 0, "repeat_penalty", "repeat_penalty must be a number above 0.");
        RequestRefusedException.Unless(float.IsFinite(presence), "presence_penalty", "presence_penalty must be a number.");
        RequestRefusedException.Unless(float.IsFinite(frequency), "frequency_penalty", "frequency_penalty must be a number.");
        foreach (var (id, value) in bias)
        {
            RequestRefusedException.Unless(value is >= -100 and <= 100, "logit_bias", $"The bias of token {id} must lie between -100 and 100.");
            RequestRefusedException.Unless((uint)id < (uint)vocabulary, "logit_bias", $"The model has no token {id}; its ids go from 0 to {vocabulary - 1}.");
        }
    }

    private bool ChangesNothing => bias.Length == 0 && lookback == 0 && presence == 0 && frequency == 0 && !ignoresEnd && minTokens == 0;

    /// <summary>Null for a request that leaves scores alone.</summary>
    internal static Penalties? Of(Sampling options, int vocabulary, int[] endMarks, IReadOnlyList<int> prompt)
    {
        var penalties = new Penalties(options, vocabulary, endMarks);
        for (var index = Math.Max(0, prompt.Count - penalties.lookback); index < prompt.Count; index++)
        {
            penalties.Remember(prompt[index]);
        }

        return penalties.ChangesNothing ? null : penalties;
    }

    internal void Apply(Span<float> logits)
    {
        undo.Clear();
        foreach (var (id, value) in bias)
        {
            Set(logits, id, logits[id] + value);
        }

        foreach (var id in recent.Keys)
        {
            Set(logits, id, logits[id] > 0 ? logits[id] / repeat : logits[id] * repeat);
        }

        foreach (var (id, count) in generated)
        {
            Set(logits, id, logits[id] - presence - (frequency * count));
        }

        if (ignoresEnd || completionTokens < minTokens)
        {
            foreach (var id in endMarks)
            {
                Set(logits, id, float.NegativeInfinity);
            }
        }
    }

    /// <summary>Gives back the model's own scores: log probabilities are theirs.</summary>
    internal void Undo(Span<float> logits)
    {
        for (var index = undo.Count - 1; index >= 0; index--)
        {
            logits[undo[index].Id] = undo[index].Score;
        }
    }

    internal void Accept(int token)
    {
        completionTokens++;
        Remember(token);
        if (presence != 0 || frequency != 0)
        {
            generated[token] = generated.GetValueOrDefault(token) + 1;
        }
    }

    private void Set(Span<float> logits, int id, float score)
    {
        undo.Add((id, logits[id]));
        logits[id] = score;
    }

    private void Remember(int token)
    {
        if (lookback == 0)
        {
            return;
        }

        window.Enqueue(token);
        recent[token] = recent.GetValueOrDefault(token) + 1;
        if (window.Count > lookback && --recent[window.Peek()] == 0)
        {
            recent.Remove(window.Peek());
        }

        if (window.Count > lookback)
        {
            window.Dequeue();
        }
    }
}
