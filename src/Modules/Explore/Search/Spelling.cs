using LlmPlatform.SharedKernel;
using Npgsql;

namespace LlmPlatform.Explore.Search;

/// <summary>Finds what a mistyped word may have meant among the words that names of models are made of.</summary>
internal static class Spelling
{
    private const int ShortestWord = 4;
    private const int LongWord = 5;
    private const int VeryLongWord = 8;
    private const int MostMeant = 8;

    // Trigrams bring near words fast, and many that are not; how many letters differ decides.
    private const string Near =
        """
        select typed, near.word from unnest($1::text[]) typed
        cross join lateral (select word from explore.model_words where word % typed limit 400) near
        """;

    /// <summary>Words that may have been meant, by what was typed; empty where there are none.</summary>
    public static async Task<ILookup<string, string>> CorrectAsync(NpgsqlConnection connection, IEnumerable<string> words, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(Near, connection);
        command.Parameters.Add(new NpgsqlParameter { Value = words.Where(IsCorrected).ToArray() });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var near = new List<(string Typed, string Word, int Distance)>();
        while (await reader.ReadAsync(cancellation))
        {
            var (typed, word) = (reader.GetString(0), reader.GetString(1));
            if (EditDistance.Of(typed, word) is { Beginning: > 0 } distance && IsNear(typed, distance))
            {
                near.Add((typed, word, distance.Beginning));
            }
        }

        return near.GroupBy(n => n.Typed)
            .SelectMany(group => group.OrderBy(n => n.Distance).ThenBy(n => n.Word.Length).ThenBy(n => n.Word, StringComparer.Ordinal).Take(MostMeant))
            .ToLookup(n => n.Typed, n => n.Word);
    }

    // Half a word is like the beginning of many others, so less may be wrong with it.
    private static bool IsNear(string typed, (int Beginning, int Whole) distance) =>
        distance.Beginning <= (typed.Length < VeryLongWord ? 1 : 2) || distance.Whole <= (typed.Length < LongWord ? 1 : 2);

    private static bool IsCorrected(string word) => word.Length >= ShortestWord && !word.Any(c => char.IsAsciiDigit(c) || c is '_' or '.');
}
