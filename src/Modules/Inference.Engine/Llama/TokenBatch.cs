namespace LlmPlatform.Inference.Engine.Llama;

/// <summary>
/// The tokens of one step. Its arrays are pinned for good, so a step allocates nothing; what llama.cpp would answer with an abort is
/// refused here.
/// </summary>
internal sealed unsafe class TokenBatch
{
    private readonly int[] tokens;
    private readonly int[] positions;
    private readonly int[] sequences;
    private readonly int[] sequenceCounts;
    private readonly nint[] sequencePointers;
    private readonly sbyte[] outputs;

    internal TokenBatch(int capacity)
    {
        tokens = Pinned<int>();
        positions = Pinned<int>();
        sequences = Pinned<int>();
        sequenceCounts = Pinned<int>();
        sequencePointers = Pinned<nint>();
        outputs = Pinned<sbyte>();
        Array.Fill(sequenceCounts, 1);
        for (var index = 0; index < capacity; index++)
        {
            sequencePointers[index] = (nint)Address(sequences) + (index * sizeof(int));
        }

        T[] Pinned<T>()
            where T : unmanaged => GC.AllocateArray<T>(capacity, pinned: true);
    }

    internal int Count { get; private set; }

    internal int Capacity => tokens.Length;

    internal void Clear() => Count = 0;

    /// <summary>Returns the index by which the logits of this token are asked for, if <paramref name="output"/>.</summary>
    internal int Add(int token, int position, int sequence, bool output)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(Count, Capacity);
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfNegative(sequence);
        tokens[Count] = token;
        positions[Count] = position;
        sequences[Count] = sequence;
        outputs[Count] = output ? (sbyte)1 : (sbyte)0;
        return Count++;
    }

    internal ReadOnlySpan<int> Tokens => tokens.AsSpan(0, Count);

    internal llama_batch ToNative() => new()
    {
        n_tokens = Count,
        token = Address(tokens),
        pos = Address(positions),
        n_seq_id = Address(sequenceCounts),
        seq_id = (int**)Address(sequencePointers),
        logits = Address(outputs),
    };

    private static T* Address<T>(T[] pinned)
        where T : unmanaged
    {
        fixed (T* start = pinned)
        {
            return start;
        }
    }
}
