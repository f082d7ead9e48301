using System.Numerics;
using System.Numerics.Tensors;
using Google.Protobuf;
using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// Log probabilities of chosen tokens and of the likeliest ones beside them, under the model's own distribution. An entry waits until all of
/// its token's text is shown, and comes with the news that shows it. What a stop string cuts has no entry, not even a token of which a part is
/// shown, and an end mark has none.
/// </summary>
internal sealed class LogProbabilities
{
    internal const int MostAlternatives = 20;

    private readonly int alternatives;
    private readonly Queue<(int End, TokenLogprob Entry)> waiting = [];
    private int told;
    private int shown;
    private bool isOver;

    private LogProbabilities(int alternatives) => this.alternatives = alternatives;

    /// <summary>There are entries whose text has been shown.</summary>
    internal bool HasReady => waiting.TryPeek(out var next) && (isOver || next.End <= shown);

    /// <summary>Null for a request that asks for none.</summary>
    internal static LogProbabilities? Of(Sampling options)
    {
        RequestRefusedException.Unless(options.TopLogprobs <= MostAlternatives, "top_logprobs", $"top_logprobs is at most {MostAlternatives}.");
        return options.HasTopLogprobs ? new LogProbabilities((int)options.TopLogprobs) : null;
    }

    /// <param name="logits">The model's scores.</param>
    /// <param name="token">What was chosen.</param>
    /// <param name="characters">How many characters it has completed.</param>
    /// <param name="hasPart">It ends inside a character, and is not shown before that is.</param>
    /// <param name="pieceOf">The bytes of a token.</param>
    internal void Add(ReadOnlySpan<float> logits, int token, int characters, bool hasPart, Func<int, ByteString> pieceOf)
    {
        told += characters;
        waiting.Enqueue((told + (hasPart ? 1 : 0), Describe(logits, token, alternatives, pieceOf)));
    }

    internal void Show(int characters) => shown += characters;

    /// <summary>The text is over and not cut: also a token that ends inside a character has been said.</summary>
    internal void ShowAll() => isOver = true;

    internal IEnumerable<TokenLogprob> TakeReady()
    {
        while (HasReady)
        {
            yield return waiting.Dequeue().Entry;
        }
    }

    internal static TokenLogprob Describe(ReadOnlySpan<float> logits, int token, int alternatives, Func<int, ByteString> pieceOf)
    {
        var max = TensorPrimitives.Max(logits);
        var total = max + (float)Math.Log(Softmax.SumOfExp(logits, max));
        var entry = Entry(logits[token], token);
        Span<ulong> best = stackalloc ulong[Math.Min(alternatives, logits.Length)];
        Best(logits, best);
        foreach (var rank in best)
        {
            var id = Ranking.IdOf(rank);
            entry.Top.Add(Entry(logits[id], id));
        }

        return entry;

        TokenLogprob Entry(float score, int id) => new() { Token = id, Piece = pieceOf(id), Logprob = score - total };
    }

    /// <summary>Fills a few places with the best tokens' ranks: one pass that compares with the last place only.</summary>
    private static void Best(ReadOnlySpan<float> logits, Span<ulong> places)
    {
        if (places.Length == 0)
        {
            return;
        }

        places.Fill(ulong.MaxValue);
        var worst = float.NegativeInfinity;
        var width = Vector<float>.Count;
        for (var start = 0; start < logits.Length; start += width)
        {
            var block = logits.Slice(start, Math.Min(width, logits.Length - start));
            if (start >= places.Length && block.Length == width && !Vector.GreaterThanAny(new Vector<float>(block), new Vector<float>(worst)))
            {
                continue;
            }

            for (var index = 0; index < block.Length; index++)
            {
                Insert(places, Ranking.RankOf(block[index], start + index));
            }

            if (places[^1] != ulong.MaxValue)
            {
                worst = logits[Ranking.IdOf(places[^1])];
            }
        }
    }

    private static void Insert(Span<ulong> places, ulong rank)
    {
        var place = places.Length;
        while (place > 0 && rank < places[place - 1])
        {
            if (place < places.Length)
            {
                places[place] = places[place - 1];
            }

            place--;
        }

        if (place < places.Length)
        {
            places[place] = rank;
        }
    }
}
