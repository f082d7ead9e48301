using System.Text;

namespace LlmPlatform.Inference.Engine.Llama;

/// <summary>
/// The model's vocabulary. Pieces and end marks are copied once at load, so the loop that samples asks managed memory only, and a wrong
/// token id is an exception here instead of an abort there.
/// </summary>
internal sealed unsafe class Vocabulary
{
    private readonly nint vocabulary;
    private readonly byte[] pieces;
    private readonly int[] pieceEnds;
    private readonly bool[] endsGeneration;

    internal Vocabulary(nint vocabulary)
    {
        this.vocabulary = vocabulary;
        Size = Native.llama_vocab_n_tokens(vocabulary);
        pieceEnds = new int[Size];
        endsGeneration = new bool[Size];
        pieces = CopyPieces();
        EndMarks = [.. Enumerable.Range(0, Size).Where(token => endsGeneration[token])];
        var bos = Native.llama_vocab_bos(vocabulary);
        BeginOfText = IsToken(bos) ? bos : null;
        StartsWithBeginOfText = Native.llama_vocab_get_add_bos(vocabulary);
    }

    internal int Size { get; }

    internal int? BeginOfText { get; }

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

    /// <summary>Thread-safe. What looks like a special token in the text stays text, so a user cannot forge the end of their turn.</summary>
    internal int[] Tokenize(string text) => Tokenize(text, parseSpecial: false);

    /// <summary>The token that a template writes as this text, if the vocabulary has it.</summary>
    internal int? Special(string text) => Tokenize(text, parseSpecial: true) is [var token] ? token : null;

    private int[] Tokenize(string text, bool parseSpecial)
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
                return Native.llama_tokenize(vocabulary, start, length, first, target.Length, add_special: false, parseSpecial);
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
            var length = ReadPiece(token, buffer);
            if (length < 0)
            {
                buffer = new byte[-length];
                length = ReadPiece(token, buffer);
            }

            all.Write(buffer, 0, Math.Max(length, 0));
            LongestPiece = Math.Max(LongestPiece, length);
            pieceEnds[token] = (int)all.Length;
        }

        return all.ToArray();
    }

    private int ReadPiece(int token, byte[] buffer)
    {
        fixed (byte* start = buffer)
        {
            return Native.llama_token_to_piece(vocabulary, token, start, buffer.Length, lstrip: 0, special: false);
        }
    }
}
