using System.Numerics.Tensors;
using LlmPlatform.Inference.Engine.Llama;
using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>Texts to turn into vectors. They are computed in any order, and each vector is told by the index of its text.</summary>
internal sealed class EmbeddingRequest(Submit request, Outbox outbox) : EngineRequest(request, outbox)
{
    private readonly List<int[]> texts = [];
    private int started;
    private int embedded;

    protected override bool IsAdmitted => started > 0;

    protected override bool HasSaidSomething => embedded > 0;

    /// <summary>Whether all its texts are in a batch or done.</summary>
    internal bool IsStarted => started == texts.Count;

    /// <summary>The next text.</summary>
    internal int[] Next => texts[started];

    internal override void Begin(LoadedModel model, ChatLanguage? language)
    {
        if (model.Model.Pooling == Pooling.Rank)
        {
            throw new RequestRefusedException("param.unsupported", "This model ranks texts and makes no vectors of them.", "model");
        }

        foreach (var input in Request.Embed.Inputs_)
        {
            texts.Add(Tokens(input, model, texts.Count));
        }

        Say(new Event { Id = Id, Admitted = new Admitted { PromptTokens = PromptTokens } });
        if (texts.Count == 0)
        {
            Finish(FinishReason.Stop);
        }
    }

    /// <summary>Takes the index of the next text, which is about to be computed.</summary>
    internal int Start() => started++;

    /// <summary>Takes the vector of a text, of any length.</summary>
    internal void Embed(int index, ReadOnlySpan<float> vector)
    {
        var embedding = new Embedding { Index = (uint)index };
        var values = vector.ToArray();
        var length = TensorPrimitives.Norm<float>(values);
        if (!float.IsFinite(length))
        {
            Fail("engine.decode_failed", "The model's vector is not made of numbers.");
            return;
        }

        TensorPrimitives.Divide(values, length > 0 ? length : 1, values);
        embedding.Values.AddRange(values);
        Say(new Event { Id = Id, Embedding = embedding });
        if (++embedded == texts.Count)
        {
            Finish(FinishReason.Stop);
        }
    }

    internal override void Finish(FinishReason reason) =>
        Finish(new Finished { Reason = reason, Usage = new Usage { PromptTokens = PromptTokens }, Timings = new Timings() });

    private uint PromptTokens => (uint)texts.Sum(text => text.Length);

    internal static int[] Tokens(Input input, LoadedModel model, int index)
    {
        var (vocabulary, most) = (model.Model.Vocabulary, model.EmbeddingTokens);
        // No text of more bytes than this can have few enough tokens.
        var isLong = input.Text.Length > (long)most * vocabulary.LongestPiece;
        int[] tokens = isLong ? [] : input.Tokens is { } given ? [.. given.Ids] : vocabulary.TokenizeWhole(input.Text);
        if (isLong || tokens.Length > most)
        {
            throw new RequestRefusedException(
                "context_length_exceeded", $"Text {index} has {(isLong ? "far too many" : tokens.Length)} tokens; this model embeds {most} at a time.", "input");
        }

        RequestRefusedException.Unless(tokens.Length > 0, "input", $"Text {index} is empty.");
        RequestRefusedException.Unless(Array.TrueForAll(tokens, vocabulary.IsToken), "input", $"Text {index} holds a token that this model does not have.");
        return tokens;
    }
}
