using Xunit;

namespace LlmPlatform.ArchitectureTests;

/// <summary>Compares what breaks a rule with what is known to break it. A gap that was closed fails too: it must leave the list, or it could come back unseen.</summary>
internal static class Gaps
{
    public static void AreNone(IEnumerable<string> found) => Are(found, []);

    public static void Are(IEnumerable<string> found, params string[] known)
    {
        var all = found.ToHashSet(StringComparer.Ordinal);
        var report = all.Except(known).Order(StringComparer.Ordinal).Select(gap => $"breaks the rule: {gap}")
            .Concat(known.Except(all).Order(StringComparer.Ordinal).Select(gap => $"holds now, take it off the list: {gap}"))
            .ToArray();
        Assert.True(report.Length == 0, string.Join('\n', report));
    }
}
