using System.Text;

namespace LlmPlatform.Inference.Engine.Llama;

/// <summary>
/// The model's vocabulary. Pieces and end marks are copied once at load, so the loop that samples asks managed memory only, and a wrong
/// token id is an exception here instead of an abort there.
/// </summary>
internal sealed unsafe class Vocabulary
{
    // Bits of llama_token_attr.
    private const int Control = 1 << 3;
    private const int UserDefined = 1 << 4;

    private readonly nint vocabulary;
    private readonly byte[] pieces;
    private readonly int[] pieceEnds;
    private readonly bool[] endsGeneration;
    private readonly Dictionary<int, string> controls = [];
    private readonly Dictionary<string, int> controlIds = [];
    private readonly List<string> addedTexts = [];

    internal Vocabulary(nint vocabulary)
    {
        this.vocabulary = vocabulary;
        Size = Native.llama_vocab_n_tokens(vocabulary);
        pieceEnds = new int[Size];
        endsGeneration = new bool[Size];
        pieces = CopyPieces();
        EndMarks = [.. Enumerable.Range(0, Size).Where(token => endsGeneration[token])];
        ReadSpecials();
        var bos = Native.llama_vocab_bos(vocabulary);
        BeginOfText = IsToken(bos) ? bos : null;
        var eos = Native.llama_vocab_eos(vocabulary);
        EndOfText = IsToken(eos) ? eos : null;
        StartsWithBeginOfText = Native.llama_vocab_get_add_bos(vocabulary);
    }

    internal int Size { get; }

    internal int? BeginOfText { get; }

    internal int? EndOfText { get; }

    /// <summary>Texts of the tokens that no ordinary text has: turn marks and the like.</summary>
    internal IReadOnlyCollection<string> ControlTexts => controlIds.Keys;

    /// <summary>Texts of the tokens that were added to the vocabulary and are found in ordinary text too.</summary>
    internal IReadOnlyCollection<string> AddedTexts => addedTexts;

    /// <summary>The model was trained with its begin-of-text token in front; without it the output is noise.</summary>
    internal bool StartsWithBeginOfText { get; }

    /// <summary>The tokens that end a generation.</summary>
    internal int[] EndMarks { get; }

    internal int LongestPiece { get; private set; } = 1;

    internal bool IsToken(int token) => (uint)token < (uint)Size;

    internal bool EndsGeneration(int token) => endsGeneration[token];

    /// <summary>The text of a token in UTF-8, perhaps half a character. Control tokens have none.</summary>
    internal ReadOnlySpan<byte> Piece(int token)
    {
        var start = token == 0 ? 0 : pieceEnds[token - 1];
        return pieces.AsSpan(start, pieceEnds[token] - start);
    }

    /// <summary>The text by which templates write a control token; null for all others.</summary>
    internal string? ControlText(int token) => controls.GetValueOrDefault(token);

    /// <summary>The control token that templates write as this text, if the vocabulary has one.</summary>
    internal int? ControlToken(string text) => controlIds.TryGetValue(text, out var token) ? token : null;

    /// <summary>
    /// Thread-safe. Unless <paramref name="parseSpecial"/>, what looks like a control token in the text stays text, so a user cannot forge the end
    /// of their turn.
    /// </summary>
    internal int[] Tokenize(string text, bool parseSpecial = false) => Tokenize(text, parseSpecial, addSpecial: false);

    /// <summary>A text by itself, with the tokens round it that the model was trained with.</summary>
    internal int[] TokenizeWhole(string text) => Tokenize(text, parseSpecial: false, addSpecial: true);

    private int[] Tokenize(string text, bool parseSpecial, bool addSpecial)
    {
        if (Size == 0 || text.Length == 0)
        {
            return [];
        }

        var bytes = Encoding.UTF8.GetBytes(text);
        var tokens = new int[bytes.Length + 8];
        fixed (byte* start = bytes)
        {
            var count = Write(start, bytes.Length, tokens);
            if (count < 0 && count != int.MinValue)
            {
                tokens = new int[-count];
                count = Write(start, bytes.Length, tokens);
            }

            return count >= 0 ? tokens[..count] : throw new InvalidOperationException("llama.cpp cannot tokenise this text.");
        }

        int Write(byte* start, int length, int[] target)
        {
            fixed (int* first = target)
            {
                return Native.llama_tokenize(vocabulary, start, length, first, target.Length, addSpecial, parseSpecial);
            }
        }
    }

    private byte[] CopyPieces()
    {
        using var all = new MemoryStream(Size * 8);
        var buffer = new byte[256];
        for (var token = 0; token < Size; token++)
        {
            endsGeneration[token] = Native.llama_vocab_is_eog(vocabulary, token);
            var piece = ReadPiece(token, ref buffer, special: false);
            all.Write(piece);
            LongestPiece = Math.Max(LongestPiece, piece.Length);
            pieceEnds[token] = (int)all.Length;
        }

        return all.ToArray();
    }

    private void ReadSpecials()
    {
        var buffer = new byte[256];
        for (var token = 0; token < Size; token++)
        {
            var attributes = Native.llama_vocab_get_attr(vocabulary, token);
            if ((attributes & (Control | UserDefined)) == 0)
            {
                continue;
            }

            var text = Encoding.UTF8.GetString(ReadPiece(token, ref buffer, special: true));
            if ((attributes & Control) == 0)
            {
                addedTexts.Add(text);
            }
            else if (text.Length > 0)
            {
                controls[token] = text;
                controlIds.TryAdd(text, token);
            }
        }
    }

    private ReadOnlySpan<byte> ReadPiece(int token, ref byte[] buffer, bool special)
    {
        var length = Write(buffer);
        if (length < 0)
        {
            buffer = new byte[-length];
            length = Write(buffer);
        }

        return buffer.AsSpan(0, Math.Max(length, 0));

        int Write(byte[] target)
        {
            fixed (byte* start = target)
            {
                return Native.llama_token_to_piece(vocabulary, token, start, target.Length, lstrip: 0, special);
            }
        }
    }
}
