using System.Text;

namespace LlmPlatform.Inference.Models;

/// <summary>
/// What a model file says about itself, read before any native code sees the file. A header that llama.cpp would crash on,
/// or that points outside the file, is refused here with a reason; memory and time are bounded whatever the file claims.
/// </summary>
internal sealed class GgufFile
{
    private const uint DefaultAlignment = 32;
    private const uint MaxAlignment = 4096;

    // Their embeddings are borrowed from another model, or count something else than tokens.
    private static readonly string[] OtherEmbeddings = ["eagle3", "dflash", "wavtokenizer-dec", "qwen3tts", "pockettts"];

    private GgufFile(GgufReader reader, long length)
    {
        Version = ReadVersion(reader);
        var tensors = GgufTensor.ReadCount(reader);
        var keys = GgufMetadata.ReadCount(reader);
        Metadata = GgufMetadata.Read(reader, keys);
        Alignment = ReadAlignment(Metadata);
        Architecture = GgufArchitecture.Check(Metadata);
        TokenCount = Metadata.Vocabulary.Check(Metadata);
        Name = Metadata.GetString("general.name");
        ChatTemplate = Metadata.GetString("tokenizer.chat_template");
        FileType = Metadata.GetUInt32("general.file_type");
        Tensors = GgufTensor.ReadAll(reader, tensors);
        DataStart = (reader.Position + Alignment - 1) / Alignment * Alignment;
        CheckLayout(length);
        CheckEmbeddings();
    }

    public uint Version { get; }
    public GgufMetadata Metadata { get; }
    public uint Alignment { get; }
    public string Architecture { get; }
    public int TokenCount { get; }
    public IReadOnlyList<GgufTensor> Tensors { get; }
    public long DataStart { get; }

    public string? Name { get; }
    public string? ChatTemplate { get; }
    public uint? FileType { get; }

    // llama.cpp never reads the licence, so a list of licences is no reason to refuse the file.
    public string? Licence => Metadata.Values.GetValueOrDefault("general.license") as string;

    public uint ContextLength => Metadata.GetUInt32($"{Architecture}.context_length")!.Value;
    public uint BlockCount => Metadata.GetUInt32($"{Architecture}.block_count")!.Value;
    public uint EmbeddingLength => Metadata.GetUInt32($"{Architecture}.embedding_length")!.Value;

    /// <summary>The largest number of heads of any layer; 0 for models without attention.</summary>
    public long HeadCount => Metadata.GetPerLayer($"{Architecture}.attention.head_count", BlockCount).DefaultIfEmpty().Max();

    /// <summary>The largest number of key-value heads of any layer, which decides the size of the KV cache.</summary>
    public long KvHeadCount =>
        Metadata.GetPerLayer($"{Architecture}.attention.head_count_kv", BlockCount).DefaultIfEmpty(HeadCount).Max();

    public long ParameterCount => Tensors.Sum(tensor => tensor.Elements);
    /// <summary>The first byte behind its last tensor. Writers may fill up to the next multiple of the alignment.</summary>
    public long EndsAt => Tensors.Count == 0 ? DataStart : DataStart + Tensors[^1].Offset + Tensors[^1].Bytes;

    public long WeightsBytes => Tensors.Sum(tensor => tensor.Bytes);

    public static GgufFile Read(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        return Read(stream, stream.Length);
    }

    /// <summary>Reads the header off a stream that may end after it; <paramref name="length"/> is the size of the whole file.</summary>
    public static GgufFile Read(Stream stream, long length) => length > 0
        ? new(new GgufReader(stream, length), length)
        : throw new GgufException(GgufCodes.Empty, "The file is empty.");

    private static uint ReadVersion(GgufReader reader)
    {
        var first = reader.Peek(64);
        if (!first.StartsWith("GGUF"u8[..Math.Min(4, first.Length)]))
        {
            throw new GgufException(GgufCodes.Magic, $"The file is no GGUF model{Resemblance(first)}.");
        }

        reader.Skip(4);
        var version = reader.UInt32();
        return version switch
        {
            2 or 3 => version,
            > 0 when (version & 0xFFFF) == 0 => throw new GgufException(GgufCodes.Version,
                "The file is written for big-endian machines; convert it with gguf_convert_endian.py."),
            _ => throw new GgufException(GgufCodes.Version, $"The file has version {version} of the GGUF format; 2 and 3 can be read."),
        };
    }

    /// <summary>The usual ways to end up with the wrong file, so that the answer helps.</summary>
    private static string Resemblance(ReadOnlySpan<byte> first)
    {
        var text = Encoding.Latin1.GetString(first).TrimStart('\u00EF', '\u00BB', '\u00BF', ' ', '\r', '\n', '\t');
        return text switch
        {
            _ when text.StartsWith('<') => ": it looks like a web page, perhaps an error or sign-in page of the site",
            _ when text.StartsWith("version https://git-lfs", StringComparison.Ordinal) => ": it is a Git LFS pointer, not the file it points to",
            _ when text.StartsWith('{') => ": it looks like JSON, perhaps an error message of the site",
            _ when text.StartsWith("PK", StringComparison.Ordinal) => ": it looks like a ZIP archive or a PyTorch checkpoint",
            _ when text.StartsWith("\u001F\u008B", StringComparison.Ordinal) => ": it is compressed with gzip",
            _ when text is ['t', 'j', 'g', 'g', ..] or ['f', 'm', 'g', 'g', ..] or ['l', 'm', 'g', 'g', ..] =>
                ": it is in the older GGML format",
            _ when first.Length > 8 && first[8] == '{' => ": it looks like a safetensors file, which must be converted first",
            _ when !first.ContainsAnyExcept((byte)0) => ": it begins with zeros, as interrupted downloads do",
            _ => "",
        };
    }

    private static uint ReadAlignment(GgufMetadata metadata)
    {
        var alignment = metadata.GetUInt32("general.alignment") ?? DefaultAlignment;
        return uint.IsPow2(alignment) && alignment is >= 8 and <= MaxAlignment
            ? alignment
            : throw new GgufException(GgufCodes.Alignment, $"The alignment {alignment} is no power of two between 8 and {MaxAlignment}.");
    }

    /// <summary>Tensors must follow one another without holes, as llama.cpp demands; that they do not overlap is a consequence.</summary>
    private void CheckLayout(long length)
    {
        var expected = 0L;
        foreach (var tensor in Tensors)
        {
            if (tensor.Offset % Alignment != 0)
            {
                throw new GgufException(GgufCodes.Alignment, $"Tensor '{tensor.Name}' does not start at a multiple of {Alignment}.");
            }

            var room = length - DataStart - tensor.Offset;
            if (DataStart > length || tensor.Offset > length || tensor.Bytes > room)
            {
                throw new GgufException(GgufCodes.Extent,
                    $"Tensor '{tensor.Name}' ends behind the end of the file: the download is incomplete, or the header is wrong.");
            }

            if (tensor.Offset != expected)
            {
                throw tensor.Offset < expected
                    ? new GgufException(GgufCodes.Overlap, $"Tensor '{tensor.Name}' overlaps the one before it.")
                    : new GgufException(GgufCodes.Gap, $"There is a hole before tensor '{tensor.Name}'.");
            }

            expected = (tensor.Offset + tensor.Bytes + Alignment - 1) / Alignment * Alignment;
        }
    }

    private void CheckEmbeddings()
    {
        if (OtherEmbeddings.Contains(Architecture) || Tensors.FirstOrDefault(tensor => tensor.Name == "token_embd.weight") is not { } table)
        {
            return;
        }

        if (table.Dimensions[0] != EmbeddingLength)
        {
            throw new GgufException(GgufCodes.Shape,
                $"The embedding length is {EmbeddingLength}, but the table of embeddings is {table.Dimensions[0]} wide.");
        }

        if (table.Dimensions.Skip(1).FirstOrDefault() != TokenCount)
        {
            throw new GgufException(GgufCodes.Vocabulary,
                $"The vocabulary has {TokenCount} tokens, but the model has embeddings for {table.Dimensions.Skip(1).FirstOrDefault()}.");
        }
    }
}
