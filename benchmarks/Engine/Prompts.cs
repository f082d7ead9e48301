namespace LlmPlatform.Benchmarks;

/// <summary>Texts of words that the random models know, so that a word is about a token. The same numbers give the same text.</summary>
internal static class Prompts
{
    private static readonly string[] Words =
        ("the of and to in is you that it he was for on are as with his they at be this have from or one had by word but not what all were we "
        + "when your can said there use an each which she do how their if will up other about out many then them these so some her would make")
        .Split(' ');

    public static string Of(int words, params int[] numbers)
    {
        var random = new Random(numbers.Aggregate(17, (hash, number) => (hash * 31) + number));
        return string.Join(' ', Enumerable.Range(0, words).Select(_ => Words[random.Next(Words.Length)]));
    }
}
