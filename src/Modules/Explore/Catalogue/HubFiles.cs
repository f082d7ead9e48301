using System.Globalization;
using System.Text.RegularExpressions;

namespace LlmPlatform.Explore.Catalogue;

/// <summary>A file in a repository of the hub.</summary>
internal sealed record HubFileEntry(string Path, long? SizeBytes, string? Sha256);

/// <summary>Makes variants of the files of a repository.</summary>
internal static partial class HubFiles
{
    private const int MostVariants = 200;

    /// <summary>Models only, parts of one brought together. Where no size is told, it is worked out from the number of weights.</summary>
    public static IReadOnlyList<Variant> Variants(IEnumerable<HubFileEntry> files, long? parameters) =>
    [
        .. files.Where(file => HubFile.IsPath(file.Path) && IsModel(file.Path)).GroupBy(file => Part().Replace(file.Path, ".gguf"), StringComparer.Ordinal)
            .Select(group => Variant([.. group.OrderBy(file => file.Path, StringComparer.Ordinal)], parameters))
            .OrderBy(variant => variant.SizeBytes ?? long.MaxValue).ThenBy(variant => variant.File, StringComparer.Ordinal).Take(MostVariants),
    ];

    /// <summary>How many files a model is split over, of which this is one.</summary>
    public static int PartsOf(string? file) =>
        file is not null && Part().Match(file) is { Success: true } part ? Math.Max(1, int.Parse(part.Groups["of"].Value, CultureInfo.InvariantCulture)) : 1;

    // A projector or a matrix of importances lies beside a model and is none.
    private static bool IsModel(string path)
    {
        var name = path[(path.LastIndexOf('/') + 1)..];
        return name.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)
            && !name.Contains("mmproj", StringComparison.OrdinalIgnoreCase) && !name.Contains("imatrix", StringComparison.OrdinalIgnoreCase);
    }

    private static Variant Variant(HubFileEntry[] parts, long? parameters)
    {
        var quantisation = Quantisation.Of(parts[0].Path);
        var size = parts.All(part => part.SizeBytes is not null) ? parts.Aggregate(0L, (sum, part) => Math.Min(sum + part.SizeBytes!.Value, long.MaxValue / 4)) : (long?)null;
        var guess = size is null && parameters is { } weights && Quantisation.BitsOf(quantisation) is { } bits ? (long?)(weights * bits / 8) : null;
        return new Variant(parts[0].Path, quantisation, size ?? guess, size is null && guess is not null, parts.Length == 1 ? parts[0].Sha256 : null, Math.Max(parts.Length, PartsOf(parts[0].Path)));
    }

    [GeneratedRegex(@"-\d{5}-of-(?<of>\d{5})\.gguf$", RegexOptions.NonBacktracking | RegexOptions.IgnoreCase)]
    private static partial Regex Part();
}
