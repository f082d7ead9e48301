namespace LlmPlatform.Inference.Models;

/// <summary>One tensor; its offset counts from the start of the data section.</summary>
internal sealed record GgufTensor(string Name, IReadOnlyList<long> Dimensions, GgufTensorType Type, long Offset, long Bytes)
{
    private const int MaxTensors = 100_000;
    private const int MaxDimensions = 4;
    // GGML_MAX_NAME is 64 with the terminating zero.
    private const int MaxNameBytes = 63;

    public long Elements => Dimensions.Aggregate(1L, (product, dimension) => checked(product * dimension));

    public static long ReadCount(GgufReader reader)
    {
        var count = reader.Count(MaxTensors, unit: 8 + 1 + 4 + 8 + 4 + 8, "tensors");
        return count > 0 ? count : throw Wrong("The file holds no tensors: it may be a vocabulary, but it is no model.");
    }

    public static IReadOnlyList<GgufTensor> ReadAll(GgufReader reader, long count)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var tensors = new List<GgufTensor>();
        for (var i = 0L; i < count; i++)
        {
            var tensor = Read(reader, i);
            if (!names.Add(tensor.Name))
            {
                throw Wrong($"Two tensors are named '{tensor.Name}'.");
            }

            tensors.Add(tensor);
        }

        return tensors;
    }

    private static GgufTensor Read(GgufReader reader, long index)
    {
        var nameBytes = (int)reader.Count(MaxNameBytes, 1, "bytes of a tensor's name");
        var name = System.Text.Encoding.UTF8.GetString(reader.Take(nameBytes));
        if (name.Length == 0 || name.Any(GgufMetadata.IsUnprintable))
        {
            throw Wrong($"The name of tensor {index} is empty or holds characters that no name has.");
        }

        var dimensions = ReadDimensions(reader, name);
        var type = GgufTensorType.Of(reader.UInt32())
            ?? throw Wrong($"The type of tensor '{name}' is unknown to this version.");
        if (dimensions[0] % type.BlockElements != 0)
        {
            throw Wrong($"A row of tensor '{name}' has {dimensions[0]} elements, no multiple of {type.BlockElements} as {type.Name} needs.");
        }

        var offset = reader.UInt64();
        var blocks = dimensions.Aggregate(1L, (product, dimension) => product * dimension) / type.BlockElements;
        if (offset > long.MaxValue || blocks > long.MaxValue / type.BlockBytes)
        {
            throw new GgufException(GgufCodes.Extent, $"Tensor '{name}' lies outside the file.");
        }

        return new(name, dimensions, type, (long)offset, blocks * type.BlockBytes);
    }

    private static long[] ReadDimensions(GgufReader reader, string name)
    {
        var count = reader.UInt32();
        if (count is 0 or > MaxDimensions)
        {
            throw Wrong($"Tensor '{name}' has {count} dimensions; 1 to {MaxDimensions} are possible.");
        }

        var dimensions = new long[count];
        var elements = 1L;
        for (var i = 0; i < dimensions.Length; i++)
        {
            var size = reader.UInt64();
            if (size == 0 || size > (ulong)(long.MaxValue / elements))
            {
                throw Wrong($"Dimension {i} of tensor '{name}' is {size}, which no tensor has.");
            }

            dimensions[i] = (long)size;
            elements *= dimensions[i];
        }

        return dimensions;
    }

    private static GgufException Wrong(string message) => new(GgufCodes.Tensor, message);
}

/// <summary>How a type stores its elements: in blocks of so many, each so many bytes long.</summary>
internal sealed record GgufTensorType(string Name, int BlockElements, int BlockBytes)
{
    // By the numbers of ggml in llama.cpp v0.5.0; null marks numbers that are retired.
    private static readonly GgufTensorType?[] All =
    [
        new("F32", 1, 4), new("F16", 1, 2), new("Q4_0", 32, 18), new("Q4_1", 32, 20), null, null, new("Q5_0", 32, 22), new("Q5_1", 32, 24),
        new("Q8_0", 32, 34), new("Q8_1", 32, 36), new("Q2_K", 256, 84), new("Q3_K", 256, 110), new("Q4_K", 256, 144), new("Q5_K", 256, 176),
        new("Q6_K", 256, 210), new("Q8_K", 256, 292), new("IQ2_XXS", 256, 66), new("IQ2_XS", 256, 74), new("IQ3_XXS", 256, 98),
        new("IQ1_S", 256, 50), new("IQ4_NL", 32, 18), new("IQ3_S", 256, 110), new("IQ2_S", 256, 82), new("IQ4_XS", 256, 136),
        new("I8", 1, 1), new("I16", 1, 2), new("I32", 1, 4), new("I64", 1, 8), new("F64", 1, 8), new("IQ1_M", 256, 56), new("BF16", 1, 2),
        null, null, null, new("TQ1_0", 256, 54), new("TQ2_0", 256, 66), null, null, null, new("MXFP4", 32, 17), new("NVFP4", 64, 36),
        new("Q1_0", 128, 18), new("Q2_0", 64, 18),
    ];

    public static GgufTensorType? Of(uint number) => number < All.Length ? All[number] : null;
}
