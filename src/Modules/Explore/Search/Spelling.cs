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
            if (Distance(typed, word) is { Beginning: > 0 } distance && IsNear(typed, distance))
            {
                near.Add((typed, word, distance.Beginning));
            }
        }

        return near.GroupBy(n => n.Typed)
            .SelectMany(group => group.OrderBy(n => n.Distance).ThenBy(n => n.Word.Length).ThenBy(n => n.Word, StringComparer.Ordinal).Take(MostMeant))
            .ToLookup(n => n.Typed, n => n.Word);
    }

    /// <summary>
    /// Letters that have to be added, left out, changed, or swapped with their neighbour until what was typed is the word, or begins it
    /// (optimal string alignment).
    /// </summary>
    internal static (int Beginning, int Whole) Distance(string typed, string word)
    {
        var (before, last, now) = (new int[word.Length + 1], new int[word.Length + 1], new int[word.Length + 1]);
        for (var j = 0; j <= word.Length; j++)
        {
            last[j] = j;
        }

        for (var i = 1; i <= typed.Length; i++)
        {
            now[0] = i;
            for (var j = 1; j <= word.Length; j++)
            {
                var changed = last[j - 1] + (typed[i - 1] == word[j - 1] ? 0 : 1);
                now[j] = Math.Min(changed, Math.Min(last[j], now[j - 1]) + 1);
                if (i > 1 && j > 1 && typed[i - 1] == word[j - 2] && typed[i - 2] == word[j - 1])
                {
                    now[j] = Math.Min(now[j], before[j - 2] + 1);
                }
            }

            (before, last, now) = (last, now, before);
        }

        return (last.Min(), last[^1]);
    }

    // Half a word is like the beginning of many others, so less may be wrong with it.
    private static bool IsNear(string typed, (int Beginning, int Whole) distance) =>
        distance.Beginning <= (typed.Length < VeryLongWord ? 1 : 2) || distance.Whole <= (typed.Length < LongWord ? 1 : 2);

    private static bool IsCorrected(string word) => word.Length >= ShortestWord && !word.Any(c => char.IsAsciiDigit(c) || c is '_' or '.');
}
