namespace LlmPlatform.SharedKernel;

/// <summary>How far what was typed is from what may have been meant.</summary>
public static class EditDistance
{
    /// <summary>
    /// Letters that have to be added, left out, changed, or swapped with their neighbour until what was typed is the word, or begins it
    /// (optimal string alignment).
    /// </summary>
    public static (int Beginning, int Whole) Of(string typed, string word)
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
}
