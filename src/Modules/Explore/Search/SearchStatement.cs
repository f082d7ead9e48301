using LlmPlatform.Explore.Catalogue;
using Npgsql;

namespace LlmPlatform.Explore.Search;

/// <summary>How a row answers what was typed, best first.</summary>
internal enum Match
{
    /// <summary>Nothing was typed, or the order is not by relevance: all matches are equal.</summary>
    Any,

    /// <summary>Every word begins one of the model's names.</summary>
    Name,

    /// <summary>Every word begins a word of its description.</summary>
    Description,

    /// <summary>The same with words that may have been meant.</summary>
    Spelling,
}

/// <summary>One statement of a search, with its values beside it: nothing that a user sent becomes part of its text.</summary>
/// <param name="question">What is looked for.</param>
/// <param name="budgetBytes">What fits here.</param>
/// <param name="corrected">The words with those that may have been meant; null where they are taken as they are.</param>
internal sealed class SearchStatement(ModelQuestion question, long budgetBytes, string? corrected)
{
    private readonly List<object> values = [];
    private string? typed;
    private string? meant;

    /// <summary>The column that rows are sorted by.</summary>
    public string Column { get; } = question.Sort switch
    {
        ModelSort.Relevance => question.Visible.Names is null ? "standing" : "listed_standing", // the order tells too
        ModelSort.Name => "sort_name",
        ModelSort.Size => "size_order",
        ModelSort.Parameters => "parameters_order",
        ModelSort.Newest => "changed_order",
        _ => "popularity",
    };

    public string Direction { get; } = question.Sort is ModelSort.Name or ModelSort.Size ? "asc" : "desc";

    public NpgsqlCommand Command(string text, NpgsqlConnection connection)
    {
        var command = new NpgsqlCommand(text, connection);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        return command;
    }

    /// <summary>What a row has to be.</summary>
    public string Where(Match match) => string.Join(" and ", [.. Texts(match), .. Filters(), "true"]);

    /// <summary>Which kind of match a row is, where all kinds are looked for at once.</summary>
    public string MatchOf() => question is { Sort: not ModelSort.Relevance } or { Text.IsEmpty: true }
        ? $"{(int)Match.Any}"
        : $"case when names @@ {Typed()} then {(int)Match.Name} when words @@ {Typed()} then {(int)Match.Description} else {(int)Match.Spelling} end";

    /// <summary>Whether it is installed, as far as the caller may know.</summary>
    public string IsInstalled() => question.Visible.Names is { } names ? $"installed_names && {Value(names.ToArray())}" : "is_installed";

    /// <summary>Rows after a cursor among those that are the same kind of match.</summary>
    public string After(SearchCursor cursor, string column) =>
        $"({column}, key) {(Direction == "asc" ? ">" : "<")} ({(question.Sort == ModelSort.Name ? Value(cursor.Text) : Value(cursor.Number))}, {Value(cursor.Key)})";

    /// <summary>What a row is sorted by as a number and as a text, so that every order is read alike.</summary>
    public string Sorted(string column) => question.Sort == ModelSort.Name ? $"0::bigint, {column}" : $"{column}, ''::text";

    private IEnumerable<string> Texts(Match match)
    {
        if (question.Text.Written.Length == 0)
        {
            yield break;
        }

        if (question.Text.IsEmpty)
        {
            yield return "false"; // signs alone name no model
            yield break;
        }

        yield return match switch
        {
            Match.Name => $"names @@ {Typed()}",
            Match.Description => $"words @@ {Typed()} and not names @@ {Typed()}",
            Match.Spelling => $"words @@ {Meant()} and not words @@ {Typed()}",
            _ => $"words @@ {Meant()}",
        };
    }

    private IEnumerable<string> Filters()
    {
        if (question.Visible.Names is not null)
        {
            yield return $"(source <> 'installed' or {IsInstalled()})";
        }

        if (question.Task is { } task)
        {
            yield return $"tasks @> {Value(new[] { task })}";
        }

        if (question.Licence is { } licence)
        {
            yield return $"licence = {Value(licence.ToLowerInvariant())}";
        }

        if (question.Quantisation is { } quantisation)
        {
            yield return $"quantisations @> {Value(new[] { quantisation.ToUpperInvariant() })}";
        }

        if (question.MinBytes is { } min)
        {
            yield return $"largest_bytes >= {Value(min)}";
        }

        if (question.MaxBytes is { } max)
        {
            yield return $"smallest_bytes <= {Value(max)}";
        }

        if (question.Fits is { } fits)
        {
            yield return $"needed_bytes {(fits ? "<=" : ">")} {Value(budgetBytes)}";
        }

        if (question.Installed is { } installed)
        {
            yield return installed ? IsInstalled() : $"not ({IsInstalled()})";
        }

        if (question.Source is { } source)
        {
            yield return $"source = {Value(ModelColumns.NameOf(source))}";
        }
    }

    private string Typed() => typed ??= $"{Value(question.Text.Prefixes)}::tsquery";

    private string Meant() => corrected is null ? Typed() : meant ??= $"{Value(corrected)}::tsquery";

    private string Value(object value)
    {
        values.Add(value);
        return $"${values.Count}";
    }
}
