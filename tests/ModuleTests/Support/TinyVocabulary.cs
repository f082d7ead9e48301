namespace LlmPlatform.ModuleTests.Support;

/// <summary>
/// A vocabulary in the manner of SentencePiece, made up here: every byte is a token, so any text can be written, and common words are
/// tokens with all their beginnings, since pieces grow by joining neighbours.
/// </summary>
public sealed class TinyVocabulary
{
    private const int Normal = 1, UnknownType = 2, ControlType = 3, ByteType = 6;

    private const string Words =
        "the of and to in is you that it he was for on are as with his they at be this have from or one had by word but not what all were we "
        + "when your can said there use an each which she do how their if will up other about out many then them these so some her would make "
        + "like him into time has look two more write go see number no way could people my than first water been call who its now find long "
        + "down day did get come made may part story once upon little girl boy dog cat user assistant system hello model answer question";

    public TinyVocabulary(int size)
    {
        var tokens = new List<string> { "<unk>", "<s>", "</s>" };
        tokens.AddRange(Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>"));
        tokens.AddRange(["<|im_start|>", "<|im_end|>"]);
        Control = [0, 1, 2, tokens.Count - 2, tokens.Count - 1];
        tokens.Add("\u2581");
        tokens.AddRange(Enumerable.Range('!', '~' - '!' + 1).Select(character => $"{(char)character}"));
        tokens.AddRange(Words.Split(' ').SelectMany(word => Enumerable.Range(1, word.Length).Select(length => $"\u2581{word[..length]}")).Distinct());
        if (tokens.Count > size)
        {
            throw new ArgumentOutOfRangeException(nameof(size), size, $"The vocabulary needs room for {tokens.Count} tokens.");
        }

        tokens.AddRange(Enumerable.Range(tokens.Count, size - tokens.Count).Select(index => $"\u2581#{index}"));
        Tokens = [.. tokens];
        Scores = [.. tokens.Select((_, index) => index < 259 ? 0f : -index)];
        Types = [.. tokens.Select((_, index) => index switch
        {
            0 => UnknownType,
            _ when Control.Contains(index) => ControlType,
            < 259 => ByteType,
            _ => Normal,
        })];
    }

    public string[] Tokens { get; }
    public float[] Scores { get; }
    public int[] Types { get; }

    /// <summary>The tokens that are no text.</summary>
    public int[] Control { get; }
}
