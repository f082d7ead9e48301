using Npgsql;

namespace LlmPlatform.Explore.Search;

/// <summary>
/// Counts what was found, and sorts it for a page in the same pass. Both look at a bounded number of rows: where there are more, the counts are
/// those of a part and say so, and the page has to be found another way.
/// </summary>
internal sealed record CountedPage(ModelFacets Facets, IReadOnlyList<SearchCursor> Places)
{
    private const int Counted = 6;

    public static async Task<CountedPage> ReadAsync(NpgsqlConnection connection, ModelQuestion question, SearchStatement statement, CancellationToken cancellation)
    {
        var after = question.After is { } cursor ? $"(match > {(int)cursor.Match} or (match = {(int)cursor.Match} and {statement.After(cursor, "place")}))" : "true";
        await using var command = statement.Command(
            $"""
            with hits as materialized (
              select key, {statement.Column} as place, {statement.MatchOf()} as match, tasks, licence, quantisations, source, {statement.IsInstalled()} as is_installed
              from explore.models where {statement.Where(Match.Any)} limit {ModelFacets.MostRows + 1}),
            page as (select key, place, match from hits where {after} order by match, place {statement.Direction}, key {statement.Direction} limit {question.Limit + 1})
            {ModelFacets.Counts}
            union all (select {Counted}, key, match, {statement.Sorted("place")} from page order by match, place {statement.Direction}, key {statement.Direction})
            """,
            connection);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var facets = new ModelFacets.Counter();
        var places = new List<SearchCursor>();
        while (await reader.ReadAsync(cancellation))
        {
            var (kind, text, number) = (reader.GetInt32(0), reader.IsDBNull(1) ? "" : reader.GetString(1), reader.GetInt64(2));
            if (kind == Counted)
            {
                places.Add(new SearchCursor(question.Sort, (Match)number, reader.GetInt64(3), reader.GetString(4), text));
            }
            else
            {
                facets.Add(kind, text, (int)number);
            }
        }

        return new CountedPage(facets.ToFacets(), places);
    }
}
