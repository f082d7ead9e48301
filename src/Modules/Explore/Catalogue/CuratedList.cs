using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.Explore.Catalogue;

/// <summary>The list of models that ships with the product, so that an installation without a way to the hub has something to show.</summary>
internal sealed record CuratedList(string Edition, IReadOnlyList<CuratedModel> Models)
{
    // Counts with the file: raise it when the rows that are made of an entry change.
    private const string Form = "1";

    public static CuratedList Shipped()
    {
        using var resource = typeof(CuratedList).Assembly.GetManifestResourceStream("curated.json")!;
        using var file = new MemoryStream();
        resource.CopyTo(file);
        return Read(file.ToArray());
    }

    public static CuratedList Read(byte[] file) =>
        new($"{Form}:{Convert.ToHexStringLower(SHA256.HashData(file))}", JsonSerializer.Deserialize(file, CuratedJson.Default.CuratedModelArray)!);
}

/// <summary>An entry of the list, as it is written there.</summary>
internal sealed record CuratedModel(
    string Id,
    string Title,
    string? Developer,
    string? Summary,
    string? Hub,
    string? Architecture,
    long? Parameters,
    string? Licence,
    int? ContextTokens,
    string[]? Tasks,
    string? Released,
    CuratedModel.Form? Shape,
    CuratedModel.File[]? Variants,
    string[]? Sources)
{
    public sealed record Form(int? Layers, int? Heads, int? KvHeads, int? HeadSize, int? Embedding, int? Vocabulary);

    public sealed record File([property: JsonPropertyName("file")] string? Name, string? Quantisation, long? SizeBytes, bool? SizeIsRounded, string? Sha256);

    public ModelRow ToRow() => new()
    {
        Key = ModelRow.KeyOfCurated(Id),
        Source = ModelSource.Curated,
        Name = Title,
        Developer = Developer,
        Summary = Summary,
        Hub = Hub,
        Architecture = Architecture,
        Parameters = Parameters,
        Licence = Licence,
        ContextTokens = ContextTokens,
        Tasks = Tasks ?? [],
        Shape = Shape is { Layers: { } layers, Heads: { } heads, Embedding: { } embedding } known
            ? new ModelShape(layers, embedding, heads, known.KvHeads, known.HeadSize, known.HeadSize, null, known.Vocabulary, ContextTokens)
            : null,
        Variants = [.. (Variants ?? []).Select(v => new Variant(v.Name, v.Quantisation?.ToUpperInvariant(), v.SizeBytes, v.SizeIsRounded ?? false, v.Sha256, HubFiles.PartsOf(v.Name)))],
        UpdatedAt = DateTimeOffset.TryParse(Released, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : null,
        IsDetailed = true,
    };
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(CuratedModel[]))]
internal sealed partial class CuratedJson : JsonSerializerContext;
