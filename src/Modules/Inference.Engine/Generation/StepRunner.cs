using LlmPlatform.Inference.Engine.Llama;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// Computes steps on the one context and breaks off a step that nobody waits for. All but <see cref="AbortUselessStep"/> is called by the
/// scheduler's thread.
/// </summary>
internal sealed class StepRunner(LoadedModel model)
{
    private readonly TokenBatch batch = new(model.FirstContext.BatchTokens);
    private readonly Lock stepGate = new();
    private LlamaContext context = model.FirstContext;
    private List<Share> step = [];

    internal int BatchTokens => batch.Capacity;

    internal LlamaContext Context => context;

    /// <summary>Grows while a step is being computed. Readable from any thread.</summary>
    internal long Progress
    {
        get
        {
            lock (stepGate)
            {
                return context.Progress;
            }
        }
    }

    /// <summary>
    /// A cancelled sequence leaves before the next step. Call this from any thread to end the step of this moment too, if it has no reader
    /// left.
    /// </summary>
    internal void AbortUselessStep()
    {
        lock (stepGate)
        {
            if (step.Count > 0 && step.TrueForAll(share => share.Sequence.IsCancelled))
            {
                context.SetAbort(true);
            }
        }
    }

    internal DecodeResult Run(List<Share> shares)
    {
        Fill(shares);
        lock (stepGate)
        {
            step = shares;
            context.SetAbort(false);
        }

        // Who was cancelled between composing and now has not seen this step.
        AbortUselessStep();
        try
        {
            return context.Decode(batch);
        }
        finally
        {
            lock (stepGate)
            {
                step = [];
            }
        }
    }

    /// <summary>The scores after a share's last token, or after one of its guesses.</summary>
    internal Span<float> Scores(Share share, int guess = 0) => context.Logits(share.Output + guess);

    /// <summary>Takes back what an aborted step or a wrong guess has left in the KV cache.</summary>
    internal void StepBack(Sequence sequence)
    {
        if (!context.TryTruncate(sequence.Slot, sequence.Computed))
        {
            Forget(sequence);
        }
    }

    internal void Forget(Sequence sequence)
    {
        context.Forget(sequence.Slot);
        sequence.Computed = 0;
    }

    /// <summary>Everything computed is lost.</summary>
    internal void StartOver()
    {
        lock (stepGate)
        {
            context.Dispose();
            context = model.CreateContext();
        }
    }

    private void Fill(List<Share> shares)
    {
        batch.Clear();
        foreach (var share in shares)
        {
            var sequence = share.Sequence;
            // A gap is refused, but llama.cpp accepts a wrong first position and answers nonsense.
            if (context.LastPosition(sequence.Slot) != sequence.Computed - 1)
            {
                throw new InvalidOperationException($"Sequence {sequence.Id} and the KV cache disagree about what is computed.");
            }

            for (var index = 0; index < share.Count; index++)
            {
                var position = sequence.Computed + index;
                var isLast = position == sequence.TokenList.Count - 1;
                var added = batch.Add(sequence.TokenList[position], position, sequence.Slot, isLast);
                share.Output = isLast ? added : -1;
            }

            for (var index = 0; index < share.Draft.Length; index++)
            {
                batch.Add(share.Draft[index], sequence.TokenList.Count + index, sequence.Slot, output: true);
            }
        }
    }
}
