namespace LlmPlatform.Explore.Search;

/// <summary>How many of the found models there are of each kind, most first.</summary>
/// <param name="Total">Models that were found and counted.</param>
/// <param name="IsComplete">False where more were found than are counted: then the numbers are those of a part.</param>
/// <param name="Tasks">What they are for; one may be for several.</param>
/// <param name="Licences">Their licences.</param>
/// <param name="Quantisations">What they can be had in.</param>
/// <param name="Sources">Where they are listed.</param>
/// <param name="Installed">Those that are installed here.</param>
public sealed record ModelFacets(
    int Total,
    bool IsComplete,
    IReadOnlyList<FacetCount> Tasks,
    IReadOnlyList<FacetCount> Licences,
    IReadOnlyList<FacetCount> Quantisations,
    IReadOnlyList<FacetCount> Sources,
    int Installed)
{
    /// <summary>Rows that are looked at for one answer: what bounds the time of a search that finds everything.</summary>
    internal const int MostRows = 2000;

    private const int MostValues = 30;

    /// <summary>Counts the rows of <c>hits</c>, a number for each kind of count.</summary>
    internal const string Counts =
        """
        select 0, null, count(*), 0::bigint, '' from hits
        union all select 1, v, count(*), 0, '' from hits, unnest(tasks) v group by v
        union all select 2, licence, count(*), 0, '' from hits where licence is not null group by licence
        union all select 3, v, count(*), 0, '' from hits, unnest(quantisations) v group by v
        union all select 4, source, count(*), 0, '' from hits group by source
        union all select 5, null, count(*), 0, '' from hits where is_installed
        """;

    /// <summary>Takes the rows of <see cref="Counts"/>.</summary>
    internal sealed class Counter
    {
        private readonly List<FacetCount>[] counts = [[], [], [], [], [], []];

        public void Add(int kind, string value, int count) => counts[kind].Add(new FacetCount(value, count));

        public ModelFacets ToFacets()
        {
            var total = counts[0][0].Count;
            return new ModelFacets(
                Math.Min(total, MostRows), total <= MostRows, Ordered(counts[1]), Ordered(counts[2]), Ordered(counts[3]), Ordered(counts[4]), counts[5][0].Count);
        }

        private static IReadOnlyList<FacetCount> Ordered(List<FacetCount> counts) =>
            [.. counts.OrderByDescending(c => c.Count).ThenBy(c => c.Value, StringComparer.Ordinal).Take(MostValues)];
    }
}

/// <summary>A value and how many models have it.</summary>
public sealed record FacetCount(string Value, int Count);
