using System.Text;

namespace LlmPlatform.ModuleTests.Support;

/// <summary>Writes GGUF files, honest ones by default; each claim of a header can be replaced by a lie.</summary>
public sealed class GgufWriter
{
    private readonly List<(string Key, byte[] Bytes)> keys = [];
    private readonly List<Tensor> tensors = [];

    public uint Version { get; set; } = 3;
    public uint Alignment { get; set; } = 32;
    public ulong Keys => (ulong)keys.Count;
    public ulong? ClaimedKeys { get; set; }
    public ulong? ClaimedTensors { get; set; }

    /// <summary>Sets a key by the type of its value, in place when it is there already.</summary>
    public GgufWriter Set(string key, object value)
    {
        var (type, bytes) = Encode(value);
        return Raw(key, type, bytes);
    }

    public GgufWriter Raw(string key, uint type, byte[] value)
    {
        var index = keys.FindIndex(entry => entry.Key == key);
        var entry = (key, Entry(Encoding.UTF8.GetBytes(key), type, value));
        if (index < 0)
        {
            keys.Add(entry);
        }
        else
        {
            keys[index] = entry;
        }

        return this;
    }

    /// <summary>Adds bytes where a key and its value belong, whatever they are.</summary>
    public GgufWriter Append(byte[] entry)
    {
        keys.Add(("", entry));
        return this;
    }

    public GgufWriter Remove(string key)
    {
        keys.RemoveAll(entry => entry.Key == key);
        return this;
    }

    public GgufWriter Add(Tensor tensor)
    {
        tensors.Add(tensor);
        return this;
    }

    /// <summary>Replaces a tensor by a changed copy; the data of the original stays where it is.</summary>
    public GgufWriter Change(int index, Func<Tensor, Tensor> change)
    {
        tensors[index] = change(tensors[index]);
        return this;
    }

    public GgufWriter ClearTensors()
    {
        tensors.Clear();
        return this;
    }

    public static byte[] Entry(byte[] key, uint type, byte[] value) =>
        [.. BitConverter.GetBytes((ulong)key.Length), .. key, .. BitConverter.GetBytes(type), .. value];

    public static byte[] Text(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return [.. BitConverter.GetBytes((ulong)bytes.Length), .. bytes];
    }

    public void Write(Stream stream)
    {
        var header = new MemoryStream();
        var writer = new BinaryWriter(header);
        writer.Write("GGUF"u8);
        writer.Write(Version);
        writer.Write(ClaimedTensors ?? (ulong)tensors.Count);
        writer.Write(ClaimedKeys ?? (ulong)keys.Count);
        keys.ForEach(entry => writer.Write(entry.Bytes));

        var offset = 0L;
        foreach (var tensor in tensors)
        {
            writer.Write(Text(tensor.Name));
            writer.Write((uint)tensor.Dimensions.Count);
            foreach (var dimension in tensor.Dimensions)
            {
                writer.Write(dimension);
            }

            writer.Write(tensor.Type);
            writer.Write(tensor.ClaimedOffset ?? (ulong)offset);
            offset = Padded(offset + tensor.Bytes);
        }

        header.SetLength(Padded(header.Length));
        header.WriteTo(stream);
        foreach (var tensor in tensors)
        {
            tensor.Data(stream);
            stream.Write(new byte[Padded(tensor.Bytes) - tensor.Bytes]);
        }
    }

    public byte[] ToArray()
    {
        var stream = new MemoryStream();
        Write(stream);
        return stream.ToArray();
    }

    private long Padded(long length) => (length + Alignment - 1) / Alignment * Alignment;

    private static (uint Type, byte[] Bytes) Encode(object value) => value switch
    {
        byte number => (0, [number]),
        sbyte number => (1, [(byte)number]),
        ushort number => (2, BitConverter.GetBytes(number)),
        short number => (3, BitConverter.GetBytes(number)),
        uint number => (4, BitConverter.GetBytes(number)),
        int number => (5, BitConverter.GetBytes(number)),
        float number => (6, BitConverter.GetBytes(number)),
        bool isSet => (7, [(byte)(isSet ? 1 : 0)]),
        string text => (8, Text(text)),
        ulong number => (10, BitConverter.GetBytes(number)),
        long number => (11, BitConverter.GetBytes(number)),
        double number => (12, BitConverter.GetBytes(number)),
        Array array => (9, EncodeArray(array)),
        _ => throw new ArgumentException($"GGUF has no type for {value.GetType()}."),
    };

    private static byte[] EncodeArray(Array array)
    {
        var elements = array.Cast<object>().Select(Encode).ToArray();
        var type = elements.Length > 0 ? elements[0].Type : 8;
        return [.. BitConverter.GetBytes(type), .. BitConverter.GetBytes((ulong)elements.Length), .. elements.SelectMany(element => element.Bytes)];
    }

    /// <summary>A tensor by the number of its type; Data writes exactly Bytes bytes.</summary>
    public sealed record Tensor(string Name, uint Type, IReadOnlyList<ulong> Dimensions, long Bytes, Action<Stream> Data)
    {
        public ulong? ClaimedOffset { get; init; }
    }
}
