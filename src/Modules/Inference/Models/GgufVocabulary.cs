namespace LlmPlatform.Inference.Models;

/// <summary>The tokenizer's arrays: read past without keeping them, then checked against one another.</summary>
internal static class GgufVocabulary
{
    private const string Tokens = "tokenizer.ggml.tokens";

    // The largest published vocabulary has 262,144 tokens.
    private const int MaxTokens = 1 << 20;
    private const int MaxTokenBytes = 4096;
    private const int MaxTextBytes = 1 << 20;
    private const long MaxArrayBytes = 16 << 20;

    // llama.cpp reads this as "none".
    private const uint NoToken = uint.MaxValue;

    public static void ReadTexts(GgufReader reader, string key, long count)
    {
        var isVocabulary = key == Tokens;
        if (isVocabulary && count > MaxTokens)
        {
            throw new GgufException(GgufCodes.Limit, $"The vocabulary claims {count} tokens; at most {MaxTokens} are accepted.");
        }

        var hashes = isVocabulary ? new ulong[count] : [];
        var total = 0L;
        for (var i = 0; i < count; i++)
        {
            var bytes = reader.Count(isVocabulary ? MaxTokenBytes : MaxTextBytes, 1, $"bytes in element {i} of '{key}'");
            total += bytes;
            if (total > MaxArrayBytes)
            {
                throw new GgufException(GgufCodes.Limit, $"The texts of '{key}' are longer than {MaxArrayBytes >> 20} MiB together.");
            }

            if (isVocabulary)
            {
                hashes[i] = Hash(reader.Take((int)bytes), i);
            }
            else
            {
                reader.Skip(bytes);
            }
        }

        CheckDistinct(hashes);
    }

    /// <summary>The number of tokens.</summary>
    public static int Check(GgufMetadata metadata)
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
        CheckArray(metadata, "tokenizer.ggml.token_type", tokens.Count, GgufType.Int32);
        CheckArray(metadata, "tokenizer.ggml.merges", null, GgufType.String);
        CheckArray(metadata, "tokenizer.ggml.precompiled_charsmap", null, GgufType.UInt8, GgufType.Int8);
        CheckArray(metadata, "tokenizer.ggml.suppress_tokens", null, GgufType.Int32);
        CheckSpecialTokens(metadata, tokens.Count);
        return (int)tokens.Count;
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

    /// <summary>FNV-1a of the text as llama.cpp sees it: up to the first zero byte, and a name made of its index when it is empty.</summary>
    private static ulong Hash(ReadOnlySpan<byte> text, int index)
    {
        var terminator = text.IndexOf((byte)0);
        text = terminator < 0 ? text : text[..terminator];
        if (text.IsEmpty)
        {
            text = System.Text.Encoding.ASCII.GetBytes($"[EMPTY_{index}]");
        }

        var hash = 14695981039346656037UL;
        foreach (var value in text)
        {
            hash = (hash ^ value) * 1099511628211UL;
        }

        return hash;
    }

    private static GgufException Wrong(string message) => new(GgufCodes.Vocabulary, message);
}
