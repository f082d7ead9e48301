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

    /// <summary>Every word is like one of its names.</summary>
    Spelling,
}

/// <summary>One statement of a search, with its values beside it: nothing that a user sent becomes part of its text.</summary>
internal sealed class SearchStatement(ModelQuestion question, long budgetBytes)
{
    private readonly List<object> values = [];

    /// <summary>The name and type of the column that rows are sorted by, and its direction.</summary>
    public static (string Column, bool IsDescending) OrderOf(ModelSort sort) => sort switch
    {
        ModelSort.Relevance => ("standing", true),
        ModelSort.Name => ("sort_name", false),
        ModelSort.Size => ("size_order", false),
        ModelSort.Parameters => ("parameters_order", true),
        ModelSort.Newest => ("changed_order", true),
        ModelSort.Popular => ("popularity", true),
        _ => throw new ArgumentOutOfRangeException(nameof(sort)),
    };

    public string Value(object value)
    {
        values.Add(value);
        return $"${values.Count}";
    }

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
    /// <param name="match">The kind of match that is looked for.</param>
    /// <param name="forgives">Whether words may be misspelt; for <see cref="Match.Any"/>.</param>
    public string Where(Match match, bool forgives) => string.Join(" and ", [.. Texts(match, forgives), .. Filters(), "true"]);

    /// <summary>Rows after the cursor, in the order of the sort.</summary>
    public string After(SearchCursor cursor, string column, string rank)
    {
        var (_, isDescending) = OrderOf(question.Sort);
        var key = Value(cursor.Key);
        var sorted = question.Sort == ModelSort.Name ? Value(cursor.Text) : Value(cursor.Number);
        var rows = $"({column}, key) {(isDescending ? "<" : ">")} ({sorted}, {key})";
        return rank == "0" ? rows : $"({rank} < {Value(cursor.Rank)} or ({rank} = {Value(cursor.Rank)} and {rows}))";
    }

    /// <summary>How much alike the words are, in thousandths; 0 where it makes no difference.</summary>
    public string Rank(Match match) => match != Match.Spelling ? "0"
        : $"(1000 * ({string.Join(" + ", question.Text.Words.Select(word => $"word_similarity({Value(word)}, spelling)"))}))::int";

    private IEnumerable<string> Texts(Match match, bool forgives)
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

        var words = $"{Value(question.Text.Prefixes)}::tsquery";
        yield return match switch
        {
            Match.Name => $"names @@ {words}",
            Match.Description => $"words @@ {words} and not names @@ {words}",
            Match.Spelling => $"{Alike()} and not words @@ {words}",
            _ => forgives ? $"(words @@ {words} or ({Alike()}))" : $"words @@ {words}",
        };
    }

    private string Alike() => string.Join(" and ", question.Text.Words.Select(word => $"{Value(word)} <% spelling"));

    private IEnumerable<string> Filters()
    {
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
            yield return installed ? "is_installed" : "not is_installed";
        }

        if (question.Source is { } source)
        {
            yield return $"source = {Value(ModelColumns.NameOf(source))}";
        }
    }
}
