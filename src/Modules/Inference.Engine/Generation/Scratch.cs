namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// Room for one choice of a token, as large as a vocabulary. Each thread has its own and uses it for one sequence after the other, so memory
/// grows with cores and not with requests.
/// </summary>
internal sealed class Scratch
{
    [ThreadStatic]
    private static Scratch? mine;

    private Scratch(int size) => (Ranking, Ids, Weights) = (new ulong[size], new int[size], new float[size]);

    internal ulong[] Ranking { get; }

    internal int[] Ids { get; }

    internal float[] Weights { get; }

    internal static Scratch OfThisThread(int size) => mine is { } have && have.Ids.Length >= size ? have : mine = new Scratch(size);
}
