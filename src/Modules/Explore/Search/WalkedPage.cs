using Npgsql;

namespace LlmPlatform.Explore.Search;

/// <summary>A page of so many matches that they are not all sorted: they are met often enough on a walk along the index of the order.</summary>
internal sealed class WalkedPage(NpgsqlConnection connection, ModelQuestion question, Func<SearchStatement> newStatement)
{
    /// <summary>The best kind of match first, as far as the page has room.</summary>
    public async Task<IReadOnlyList<SearchCursor>> ReadAsync(bool isCorrected, CancellationToken cancellation)
    {
        if (question is { Sort: not ModelSort.Relevance } or { Text.IsEmpty: true })
        {
            return await WalkAsync(Match.Any, question.Limit + 1, cancellation);
        }

        var places = new List<SearchCursor>();
        foreach (var match in (Match[])(isCorrected ? [Match.Name, Match.Description, Match.Spelling] : [Match.Name, Match.Description]))
        {
            if (places.Count <= question.Limit && match >= (question.After?.Match ?? Match.Any))
            {
                // Of one kind there may be few although there are many of all, and a walk would pass all rows to find them.
                places.AddRange(await SortAsync(match, question.Limit + 1 - places.Count, cancellation) ?? await WalkAsync(match, question.Limit + 1 - places.Count, cancellation));
            }
        }

        return places;
    }

    private async Task<IReadOnlyList<SearchCursor>?> SortAsync(Match match, int limit, CancellationToken cancellation)
    {
        var statement = newStatement();
        await using var command = statement.Command(
            $"""
            with hits as materialized (select key, {statement.Column} as place from explore.models where {statement.Where(match)} limit {ModelFacets.MostRows + 1}),
            counted as materialized (select count(*) as hits from hits)
            (select {statement.Sorted("place")}, key from hits, counted where counted.hits <= {ModelFacets.MostRows} and {After(match, statement, "place")}
             order by place {statement.Direction}, key {statement.Direction} limit {limit})
            union all select counted.hits, '', '' from counted where counted.hits > {ModelFacets.MostRows}
            """,
            connection);
        var places = await PlacesAsync(command, match, cancellation);
        return places is [{ Key: "" }] ? null : places;
    }

    private async Task<IReadOnlyList<SearchCursor>> WalkAsync(Match match, int limit, CancellationToken cancellation)
    {
        var statement = newStatement();
        await using var command = statement.Command(
            $"""
            select {statement.Sorted(statement.Column)}, key from explore.models where {statement.Where(match)} and {After(match, statement, statement.Column)}
            order by {statement.Column} {statement.Direction}, key {statement.Direction} limit {limit}
            """,
            connection);
        return await PlacesAsync(command, match, cancellation);
    }

    // A cursor of a better match says nothing about this kind.
    private string After(Match match, SearchStatement statement, string column) => question.After is { } cursor && cursor.Match == match ? statement.After(cursor, column) : "true";

    private async Task<IReadOnlyList<SearchCursor>> PlacesAsync(NpgsqlCommand command, Match match, CancellationToken cancellation)
    {
        var places = new List<SearchCursor>();
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            places.Add(new SearchCursor(question.Sort, match, reader.GetInt64(0), reader.GetString(1), reader.GetString(2)));
        }

        return places;
    }
}
