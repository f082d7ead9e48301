using System.Collections;
using System.Globalization;
using System.Text;

namespace LlmPlatform.Inference.Models;

/// <summary>The tokenizer's arrays: read past without keeping them, then checked against one another.</summary>
internal sealed class GgufVocabulary
{
    public const string TokenTypes = "tokenizer.ggml.token_type";
    private const string Tokens = "tokenizer.ggml.tokens";

    // The largest published vocabulary has 262,144 tokens.
    private const int MaxTokens = 1 << 20;
    private const int MaxTokenBytes = 4096;
    private const int MaxTextBytes = 1 << 20;
    private const long MaxArrayBytes = 16 << 20;

    // llama.cpp reads this as "none".
    private const uint NoToken = uint.MaxValue;

    private const int ByteType = 6;

    // Which bytes have a token of their own, which tokens are too short to be such a token, and which claim to be one.
    private readonly BitArray bytes = new(256);
    private BitArray isShort = new(0);
    private BitArray isByte = new(0);

    public void ReadTexts(GgufReader reader, string key, long count)
    {
        if (key == Tokens)
        {
            ReadTokens(reader, count);
            return;
        }

        for (var (i, total) = (0L, 0L); i < count; i++)
        {
            var length = ReadLength(reader, key, MaxTextBytes, ref total);
            reader.Skip(length);
        }
    }

    public void ReadTypes(GgufReader reader, long count)
    {
        isByte = new BitArray((int)count);
        for (var i = 0; i < isByte.Length; i++)
        {
            isByte[i] = reader.UInt32() == ByteType;
        }
    }

    /// <summary>The number of tokens.</summary>
    public int Check(GgufMetadata metadata)
    {
        var model = metadata.GetString("tokenizer.ggml.model");
        if (model is not ("llama" or "gpt2" or "bert" or "t5" or "rwkv" or "plamo2" or "gemma4" or "hybriddna" or "whitespace"))
        {
            throw Wrong(model is null or "none" or "no_vocab"
                ? "The file holds no tokenizer, so text cannot be turned into tokens."
                : "The kind of tokenizer in the file is unknown.");
        }

        var tokens = metadata.GetArray(Tokens);
        if (tokens is not { ElementType: GgufType.String, Count: > 0 })
        {
            throw Wrong("The vocabulary is missing, empty, or no list of texts.");
        }

        CheckArray(metadata, "tokenizer.ggml.scores", tokens.Count, GgufType.Float32, GgufType.Int32);
        CheckArray(metadata, TokenTypes, tokens.Count, GgufType.Int32);
        CheckArray(metadata, "tokenizer.ggml.merges", null, GgufType.String);
        CheckArray(metadata, "tokenizer.ggml.precompiled_charsmap", null, GgufType.UInt8, GgufType.Int8);
        CheckArray(metadata, "tokenizer.ggml.suppress_tokens", null, GgufType.Int32);
        CheckSpecialTokens(metadata, tokens.Count);
        CheckBytes(model);
        return (int)tokens.Count;
    }

    private void ReadTokens(GgufReader reader, long count)
    {
        if (count > MaxTokens)
        {
            throw new GgufException(GgufCodes.Limit, $"The vocabulary claims {count} tokens; at most {MaxTokens} are accepted.");
        }

        var hashes = new ulong[count];
        isShort = new BitArray(hashes.Length);
        for (var (i, total) = (0, 0L); i < hashes.Length; i++)
        {
            var text = reader.Take(ReadLength(reader, Tokens, MaxTokenBytes, ref total));
            // llama.cpp sees a text up to its first zero byte, and calls an empty one by its index.
            var terminator = text.IndexOf((byte)0);
            text = terminator < 0 ? text : text[..terminator];
            text = text.IsEmpty ? Encoding.ASCII.GetBytes($"[EMPTY_{i}]") : text;
            hashes[i] = Hash(text);
            isShort[i] = text.Length < "<0x".Length;
            if (text.Length == 1)
            {
                bytes[text[0]] = true;
            }
            else if (text is [(byte)'<', (byte)'0', (byte)'x', var high, var low, (byte)'>'] && IsHex(high) && IsHex(low))
            {
                bytes[int.Parse(text[3..5], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)] = true;
            }
        }

        CheckDistinct(hashes);
    }

    private static bool IsHex(byte digit) => char.IsAsciiHexDigitUpper((char)digit);

    private static int ReadLength(GgufReader reader, string key, int limit, ref long total)
    {
        var length = reader.Count(limit, 1, "bytes in an element of", key);
        total += length;
        return total <= MaxArrayBytes
            ? (int)length
            : throw new GgufException(GgufCodes.Limit, $"The texts of '{key}' are longer than {MaxArrayBytes >> 20} MiB together.");
    }

    private static void CheckArray(GgufMetadata metadata, string key, long? count, params ReadOnlySpan<GgufType> types)
    {
        if (metadata.GetArray(key) is not { } array)
        {
            return;
        }

        if (!types.Contains(array.ElementType))
        {
            throw Wrong($"'{key}' must not be an array of {array.ElementType}.");
        }

        if (count is not null && array.Count != count)
        {
            throw Wrong($"'{key}' has {array.Count} elements, but the vocabulary has {count} tokens.");
        }
    }

    private static void CheckSpecialTokens(GgufMetadata metadata, long tokens)
    {
        foreach (var key in metadata.Values.Keys.Where(key => key.StartsWith("tokenizer.ggml.", StringComparison.Ordinal)
            && key.EndsWith("_token_id", StringComparison.Ordinal)))
        {
            if (metadata.GetUInt32(key) is { } id and not NoToken && id >= tokens)
            {
                throw Wrong($"'{key}' is {id}, but the vocabulary has {tokens} tokens.");
            }
        }
    }

    /// <summary>llama.cpp keeps tokens by their text and ends the process when two are the same.</summary>
    private static void CheckDistinct(ulong[] hashes)
    {
        Array.Sort(hashes);
        for (var i = 1; i < hashes.Length; i++)
        {
            if (hashes[i] == hashes[i - 1])
            {
                throw Wrong("Two tokens of the vocabulary have the same text.");
            }
        }
    }

    /// <summary>
    /// llama.cpp throws where nobody catches when a SentencePiece text holds a byte without a token, and when it writes out
    /// a byte token whose name is too short; WordPiece has no byte tokens at all.
    /// </summary>
    private void CheckBytes(string model)
    {
        if (model == "llama" && !bytes.HasAllSet())
        {
            throw Wrong("The tokenizer cannot express every byte, so some texts would stop the engine.");
        }

        for (var i = 0; i < isByte.Length; i++)
        {
            if (isByte[i] && (isShort[i] || model == "bert"))
            {
                throw Wrong($"Token {i} claims to be a byte, but names none.");
            }
        }
    }

    /// <summary>FNV-1a: 64 bits are enough to tell a million texts apart, and whoever forges a collision only refuses his own file.</summary>
    private static ulong Hash(ReadOnlySpan<byte> text)
    {
        var hash = 14695981039346656037UL;
        foreach (var value in text)
        {
            hash = (hash ^ value) * 1099511628211UL;
        }

        return hash;
    }

    private static GgufException Wrong(string message) => new(GgufCodes.Vocabulary, message);
}
