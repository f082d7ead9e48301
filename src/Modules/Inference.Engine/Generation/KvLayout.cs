namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// How the KV cache is divided. With a part of its own for every sequence a step only looks at what its sequences hold, and what is kept of
/// past ones costs memory and nothing else. Where the memory does not reach for that, all share one pool of cells, and every step looks at
/// all that are in use.
/// </summary>
/// <param name="ContextTokens">What one sequence may hold.</param>
/// <param name="Slots">Sequences that are held, running or kept for a later request with the same beginning.</param>
/// <param name="Running">Sequences that are computed together.</param>
/// <param name="IsUnified">One pool.</param>
/// <param name="Cells">Tokens that all hold together.</param>
internal sealed record KvLayout(int ContextTokens, int Slots, int Running, bool IsUnified, int Cells)
{
    private const int DefaultContextTokens = 8192;
    private const int DefaultRunning = 32;
    private const int MostSlots = 64;
    private const int PartOfMemory = 16;
    private const int FewestOwnParts = 8;
    private const int CellStep = 256; // llama.cpp rounds up to these
    private const long LeastBytes = 256L << 20;
    private const long MostBytes = 8L << 30;

    /// <summary>Of a model that keeps nothing between two steps.</summary>
    internal static KvLayout ForEmbedding(int tokens) => new(tokens, 1, 1, IsUnified: true, tokens);

    internal static KvLayout Choose(int trainedTokens, long bytesPerToken, ModelOptions wanted)
    {
        var trained = trainedTokens > 0 ? trainedTokens : DefaultContextTokens;
        var context = Math.Min(trained, wanted.ContextTokens ?? DefaultContextTokens);
        var part = (context + CellStep - 1) / CellStep * CellStep;
        var bytes = wanted.KvBytes ?? Math.Clamp(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / PartOfMemory, LeastBytes, MostBytes);
        var cells = Math.Min(bytes / Math.Max(1, bytesPerToken), int.MaxValue / 2);
        var parts = (int)Math.Min(cells / part, MostSlots);
        var running = wanted.Slots ?? DefaultRunning;
        if (parts >= (wanted.Slots ?? FewestOwnParts))
        {
            // A few more than run at a time keep the beginnings of past requests.
            var slots = Math.Min(parts, running + Math.Max(2, running / 4));
            return new KvLayout(context, slots, Math.Min(running, slots), IsUnified: false, part * slots);
        }

        var shared = Math.Max(part, (int)Math.Min(cells, (long)part * MostSlots) / CellStep * CellStep);
        return new KvLayout(context, Math.Min(MostSlots, running * 2), running, IsUnified: true, shared);
    }
}
