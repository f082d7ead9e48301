using System.Diagnostics.CodeAnalysis;

namespace LlmPlatform.Inference.Models;

internal enum GgufType : uint
{
    UInt8, Int8, UInt16, Int16, UInt32, Int32, Float32, Bool, String, Array, UInt64, Int64, Float64,
}

/// <summary>An array of the header. Only short integer arrays (one number per layer) keep their values; of the others the count is enough.</summary>
internal sealed record GgufArray(GgufType ElementType, long Count, IReadOnlyList<long> Integers);

/// <summary>The keys and values of a header, unique by construction.</summary>
internal sealed class GgufMetadata
{
    private const int MaxKeys = 65_536;
    private const int MaxKeyBytes = 1024;
    private const int MaxTextBytes = 1 << 20;
    private const int MaxElements = 4 << 20;
    // llama.cpp has room for 512 layers; arrays longer than that speak of something else.
    private const int MaxKeptElements = 512;

    // Some converters embed the whole tokenizer.json, which is legitimately larger than any other text.
    private const string EmbeddedTokenizer = "tokenizer.huggingface.json";
    private const int MaxEmbeddedTokenizerBytes = 32 << 20;

    private readonly Dictionary<string, object> values = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, object> Values => values;

    public GgufVocabulary Vocabulary { get; } = new();

    public static long ReadCount(GgufReader reader) => reader.Count(MaxKeys, unit: 8 + 1 + 4 + 1, "keys");

    public static GgufMetadata Read(GgufReader reader, long count)
    {
        var metadata = new GgufMetadata();
        for (var i = 0L; i < count; i++)
        {
            var key = reader.Text(MaxKeyBytes, "bytes of a key");
            if (key.Length == 0 || key.Any(IsUnprintable))
            {
                throw new GgufException(GgufCodes.Key, $"Key {i} is empty or holds characters that no key has.");
            }

            if (!metadata.values.TryAdd(key, metadata.ReadValue(reader, key)))
            {
                throw new GgufException(GgufCodes.Key, $"The key '{key}' occurs twice.");
            }
        }

        return metadata;
    }

    /// <summary>The value, or null when the key is absent. A key that is there with another type is refused, since llama.cpp would trust it.</summary>
    public string? GetString(string key) => Get<string>(key, out var value) ? value : null;

    public uint? GetUInt32(string key) => Get<uint>(key, out var value) ? value : null;

    public float? GetSingle(string key) => Get<float>(key, out var value) ? value : null;

    public GgufArray? GetArray(string key) => Get<GgufArray>(key, out var value) ? value : null;

    /// <summary>A number given once or once per layer, as llama.cpp allows for heads and experts.</summary>
    public IReadOnlyList<long> GetPerLayer(string key, long layers) => values.GetValueOrDefault(key) switch
    {
        null => [],
        uint number => [number],
        GgufArray { ElementType: GgufType.UInt32 or GgufType.Int32 } array when array.Count == layers => array.Integers,
        GgufArray array => throw new GgufException(GgufCodes.Shape,
            $"'{key}' holds {array.Count} values of type {array.ElementType}, but the model has {layers} layers."),
        var other => throw WrongType(key, typeof(uint), other),
    };

    public static bool IsUnprintable(char character) => char.IsControl(character) || character == '\uFFFD';

    private bool Get<T>(string key, [NotNullWhen(true)] out T? value)
    {
        var found = values.GetValueOrDefault(key);
        value = found is T typed ? typed : default;
        return found is null or T ? found is not null : throw WrongType(key, typeof(T), found);
    }

    private static GgufException WrongType(string key, Type wanted, object found) =>
        new(GgufCodes.Type, $"'{key}' must be of type {NameOf(wanted)} but is {NameOf(found.GetType())}.");

    private static string NameOf(Type type) => type == typeof(GgufArray) ? "array" : type.Name;

    private object ReadValue(GgufReader reader, string key) => ReadType(reader, key) switch
    {
        GgufType.Array => ReadArray(reader, key),
        GgufType.String when key == EmbeddedTokenizer => SkipText(reader),
        GgufType.String => reader.Text(MaxTextBytes, "bytes of", key),
        GgufType.UInt8 => reader.Byte(),
        GgufType.Int8 => (sbyte)reader.Byte(),
        GgufType.Bool => reader.Byte() != 0,
        GgufType.UInt16 => reader.UInt16(),
        GgufType.Int16 => (short)reader.UInt16(),
        GgufType.UInt32 => reader.UInt32(),
        GgufType.Int32 => (int)reader.UInt32(),
        GgufType.Float32 => reader.Single(),
        GgufType.UInt64 => reader.UInt64(),
        GgufType.Int64 => (long)reader.UInt64(),
        _ => reader.Double(),
    };

    private static GgufType ReadType(GgufReader reader, string key)
    {
        var type = (GgufType)reader.UInt32();
        return type <= GgufType.Float64 ? type : throw new GgufException(GgufCodes.Type, $"'{key}' has the unknown type {(uint)type}.");
    }

    private static string SkipText(GgufReader reader)
    {
        reader.Skip(reader.Count(MaxEmbeddedTokenizerBytes, 1, "bytes of", EmbeddedTokenizer));
        return "";
    }

    private GgufArray ReadArray(GgufReader reader, string key)
    {
        var type = ReadType(reader, key);
        if (type == GgufType.Array)
        {
            throw new GgufException(GgufCodes.Type, $"'{key}' is an array of arrays, which no model uses and llama.cpp does not read.");
        }

        var unit = UnitOf(type);
        var count = reader.Count(MaxElements, unit, "elements of", key);
        if (type == GgufType.String)
        {
            Vocabulary.ReadTexts(reader, key, count);
            return new(type, count, []);
        }

        if (type == GgufType.Int32 && key == GgufVocabulary.TokenTypes)
        {
            Vocabulary.ReadTypes(reader, count);
            return new(type, count, []);
        }

        if (count <= MaxKeptElements && type is GgufType.UInt32 or GgufType.Int32)
        {
            reader.Keep(count * sizeof(long));
            var integers = new long[count];
            for (var i = 0; i < integers.Length; i++)
            {
                integers[i] = type == GgufType.Int32 ? (int)reader.UInt32() : reader.UInt32();
            }

            return new(type, count, integers);
        }

        reader.Skip(count * unit);
        return new(type, count, []);
    }

    private static int UnitOf(GgufType type) => type switch
    {
        GgufType.UInt8 or GgufType.Int8 or GgufType.Bool => 1,
        GgufType.UInt16 or GgufType.Int16 => 2,
        GgufType.UInt32 or GgufType.Int32 or GgufType.Float32 => 4,
        _ => 8, // the longest numbers, and the length in front of each text
    };
}
