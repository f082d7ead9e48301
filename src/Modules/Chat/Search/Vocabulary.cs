using System.Collections.Immutable;
using System.Numerics;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Chat.Search;

/// <summary>The words that one person's conversations are made of, and what somebody who typed a word may have meant by it.</summary>
internal sealed record Vocabulary(ImmutableSortedSet<string> Words, DateTimeOffset UpTo)
{
    private const int ShortestCorrected = 4;
    private const int LongWord = 8;
    private const int Few = 3;
    private const int MostMeant = 64;

    public static Vocabulary Empty { get; } = new(ImmutableSortedSet.Create<string>(StringComparer.Ordinal), DateTimeOffset.MinValue);

    /// <summary>
    /// The words that begin like the typed one, the shortest first; where there are few, also those that differ from it in a letter, in two letters
    /// where it is long. The typed word itself is always among them.
    /// </summary>
    public IReadOnlyList<string> Meant(ProseWord typed)
    {
        if (typed.IsPiece)
        {
            return [typed.Plain];
        }

        var meant = Beginning(typed.Plain).OrderBy(word => word.Length).Prepend(typed.Plain).Distinct().Take(MostMeant).ToList();
        return meant.Count > Few || !IsCorrected(typed.Plain) ? meant : [.. meant.Concat(Near(typed.Plain)).Distinct().Take(MostMeant)];
    }

    private IEnumerable<string> Beginning(string typed)
    {
        var at = Words.IndexOf(typed);
        for (var i = at < 0 ? ~at : at; i < Words.Count && Words[i].StartsWith(typed, StringComparison.Ordinal); i++)
        {
            yield return Words[i];
        }
    }

    private IEnumerable<string> Near(string typed)
    {
        var most = typed.Length < LongWord ? 1 : 2;
        var letters = LettersOf(typed);
        return Words
            .Where(word => word.Length >= typed.Length - most && BitOperations.PopCount(letters & ~LettersOf(word)) <= most) // cheap, and true of few
            .Select(word => (Word: word, Distance: EditDistance.Of(typed, word).Beginning))
            .Where(near => near.Distance <= most)
            .OrderBy(near => near.Distance).ThenBy(near => near.Word.Length)
            .Select(near => near.Word);
    }

    // Numbers are meant as they are typed.
    private static bool IsCorrected(string word) => word.Length >= ShortestCorrected && !word.Any(char.IsDigit);

    private static uint LettersOf(string word) => word.Aggregate(0u, (letters, letter) => letters | (1u << (letter & 31)));
}
