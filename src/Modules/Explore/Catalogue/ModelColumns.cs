using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.Explore.Catalogue;

/// <summary>Turns a model into its columns, those included that only a search reads. All rows of a statement travel as one JSON array.</summary>
internal static class ModelColumns
{
    /// <summary>What counts for relevance beside the words: what is here goes before what was chosen, and that before what is popular.</summary>
    public const long InstalledStanding = 1L << 42;

    public const long CuratedStanding = 1L << 41;

    public const long MostPopularity = (1L << 41) - 1;

    private const int LongestSortName = 80;
    private const int MostWords = 400;

    public static string JsonOf(IEnumerable<ModelRow> rows, IMemoryFit memory, DateTimeOffset now) =>
        new JsonArray([.. rows.Select(row => (JsonNode)Of(row, memory, now))]).ToJsonString();

    private static JsonObject Of(ModelRow row, IMemoryFit memory, DateTimeOffset now)
    {
        var sizes = row.Variants.Select(v => v.SizeBytes).OfType<long>().ToArray();
        var popularity = Math.Clamp(row.Downloads ?? 0, 0, MostPopularity);
        var listed = popularity + (row.Source == ModelSource.Curated ? CuratedStanding : 0);
        var names = $"{row.Name} {row.Hub} {row.Developer} {row.Architecture} {string.Join(' ', row.InstalledNames)}";
        var changedAt = row.UpdatedAt ?? row.InstalledAt;
        return new JsonObject
        {
            ["key"] = row.Key,
            ["source"] = NameOf(row.Source),
            ["name"] = row.Name,
            ["sort_name"] = Cut(row.Name.ToLowerInvariant(), LongestSortName),
            ["developer"] = row.Developer,
            ["summary"] = row.Summary,
            ["hub"] = row.Hub,
            ["hub_key"] = row.Hub?.ToLowerInvariant(),
            ["architecture"] = row.Architecture,
            ["licence"] = row.Licence?.ToLowerInvariant(),
            ["digest"] = row.Digest,
            ["parameters"] = row.Parameters,
            ["context_tokens"] = row.ContextTokens,
            ["tasks"] = Array(row.Tasks),
            ["quantisations"] = Array(row.Variants.Select(v => v.Quantisation).OfType<string>().Distinct()),
            ["installed_names"] = Array(row.InstalledNames),
            ["shape"] = Node(row.Shape, RowJson.Default.ModelShape),
            ["variants"] = Node(row.Variants, RowJson.Default.IReadOnlyListVariant),
            ["smallest_bytes"] = sizes.Length == 0 ? null : sizes.Min(),
            ["largest_bytes"] = sizes.Length == 0 ? null : sizes.Max(),
            ["needed_bytes"] = sizes.Length == 0 ? null : memory.Need(sizes.Min(), row.Shape, null).TotalBytes,
            ["is_installed"] = row.InstalledNames.Count > 0,
            ["is_detailed"] = row.IsDetailed,
            ["install_id"] = row.InstallId,
            ["installed_at"] = Time(row.InstalledAt),
            ["updated_at"] = Time(changedAt),
            ["seen_at"] = Time(now),
            ["downloads"] = row.Downloads,
            ["likes"] = row.Likes,
            ["popularity"] = popularity,
            ["standing"] = listed + (row.InstalledNames.Count > 0 ? InstalledStanding : 0),
            ["listed_standing"] = listed,
            ["size_order"] = sizes.Length == 0 ? long.MaxValue : sizes.Min(),
            ["parameters_order"] = row.Parameters ?? 0,
            ["changed_order"] = changedAt?.ToUnixTimeMilliseconds() ?? 0,
            ["names"] = Vector(names),
            ["words"] = Vector($"{names} {row.Summary} {row.Licence} {string.Join(' ', row.Tasks)} {string.Join(' ', row.Variants.Select(v => v.Quantisation))}"),
        };
    }

    public static string NameOf(ModelSource source) => JsonNamingPolicy.CamelCase.ConvertName(source.ToString());

    public static ModelSource SourceOf(string name) => Enum.Parse<ModelSource>(name, ignoreCase: true);

    private static string Vector(string text) => string.Join(' ', Words.Indexed(text).Distinct().Take(MostWords).Select(word => $"'{word}'"));

    private static string Cut(string text, int longest) => text.Length <= longest ? text : text[..(char.IsHighSurrogate(text[longest - 1]) ? longest - 1 : longest)];

    private static JsonArray Array(IEnumerable<string> texts) => new([.. texts.Select(text => (JsonNode)text)]);

    private static JsonNode? Node<T>(T? value, JsonTypeInfo<T> type) => value is null ? null : JsonSerializer.SerializeToNode(value, type);

    private static string? Time(DateTimeOffset? at) => at?.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture);
}
