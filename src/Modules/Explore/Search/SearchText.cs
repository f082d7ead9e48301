namespace LlmPlatform.Explore.Search;

/// <summary>What somebody typed, as questions for the database. Its words hold nothing that a query could take for an operator, whatever was typed.</summary>
internal sealed class SearchText
{
    private const int MostWords = 12;

    public SearchText(string? written)
    {
        Written = written?.Trim() ?? "";
        Words = [.. Catalogue.Words.Of(Written).Distinct().Take(MostWords)];
    }

    public string Written { get; }

    public IReadOnlyList<string> Words { get; }

    public bool IsEmpty => Words.Count == 0;

    /// <summary>The same for whoever types the same words.</summary>
    public string Normal => string.Join(' ', Words);

    /// <summary>A <c>tsquery</c>: every word begins a word of the document, or its parts are there.</summary>
    public string Prefixes => string.Join(" & ", Words.Select(Prefix));

    /// <summary>The same with words that may have been meant beside those that were typed.</summary>
    public string Corrected(ILookup<string, string> corrections) => string.Join(" & ", Words.Select(word => corrections.Contains(word)
        ? $"({Prefix(word)} | {string.Join(" | ", corrections[word].Select(meant => $"'{meant}':*"))})"
        : Prefix(word)));

    // A number that is a part is meant as it is; as the beginning of others it would match half of all names.
    private static string Prefix(string word) => Catalogue.Words.NamedParts(word) is { Count: > 1 } parts
        ? $"('{word}':* | ({string.Join(" & ", parts.Select(part => char.IsAsciiDigit(part[0]) ? $"'{part}'" : $"'{part}':*"))}))"
        : $"'{word}':*";
}
