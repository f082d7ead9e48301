using System.Data.Common;
using LlmPlatform.Explore.Catalogue;
using Npgsql;

namespace LlmPlatform.Explore.Search;

/// <summary>The rows of one kind of match that a page holds.</summary>
internal sealed class PageOfMatches(NpgsqlConnection connection, ModelQuestion question, long budgetBytes, Match match, bool forgives)
{
    private const int FirstColumn = 4;

    private readonly string column = SearchStatement.OrderOf(question.Sort).Column;
    private readonly string direction = SearchStatement.OrderOf(question.Sort).IsDescending ? "desc" : "asc";

    // A cursor of a better match says nothing about this kind.
    private readonly SearchCursor? after = question.After is { } cursor && (match == Match.Any || cursor.Tier == (int)match) ? cursor : null;

    /// <param name="limit">Rows at most.</param>
    /// <param name="areFew">Whether it is known that few rows match.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<IReadOnlyList<FoundModel>> ReadAsync(int limit, bool areFew, CancellationToken cancellation) =>
        (areFew || match != Match.Any ? await SortedAsync(limit, cancellation) : null) ?? await WalkedAsync(limit, cancellation);

    /// <summary>Takes all matches and sorts them; null where there are too many of them. Of misspelt ones the first that are met will do.</summary>
    private async Task<IReadOnlyList<FoundModel>?> SortedAsync(int limit, CancellationToken cancellation)
    {
        var statement = new SearchStatement(question, budgetBytes);
        var where = statement.Where(match, forgives);
        var rank = statement.Rank(match);
        await using var command = statement.Command(
            $"""
            with hits as materialized (select key, {column} as place, {rank} as rank from explore.models where {where} limit {ModelFacets.MostRows + 1}),
              page as (select * from hits where {(after is null ? "true" : statement.After(after, "place", rank == "0" ? rank : "rank"))} order by rank desc, place {direction}, key {direction} limit {limit})
            select (select count(*) from hits), page.rank, {Numbers("page.place")}, {ModelReader.Columns}
            from (select) one left join page on true left join explore.models m on m.key = page.key
            order by page.rank desc, page.place {direction}, page.key {direction}
            """,
            connection);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<FoundModel>();
        while (await reader.ReadAsync(cancellation))
        {
            if (reader.GetInt64(0) > ModelFacets.MostRows && match != Match.Spelling)
            {
                return null;
            }

            if (!reader.IsDBNull(FirstColumn))
            {
                rows.Add(Found(reader));
            }
        }

        return rows;
    }

    /// <summary>Goes along the index of the order until the page is full.</summary>
    private async Task<IReadOnlyList<FoundModel>> WalkedAsync(int limit, CancellationToken cancellation)
    {
        var statement = new SearchStatement(question, budgetBytes);
        var where = statement.Where(match, forgives);
        await using var command = statement.Command(
            $"""
            select 0::bigint, 0, {Numbers($"m.{column}")}, {ModelReader.Columns} from explore.models m
            where {where} and {(after is null ? "true" : statement.After(after, column, "0"))}
            order by {column} {direction}, key {direction} limit {limit}
            """,
            connection);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<FoundModel>();
        while (await reader.ReadAsync(cancellation))
        {
            rows.Add(Found(reader));
        }

        return rows;
    }

    // Both forms of what the rows are sorted by, so that every order is read alike.
    private string Numbers(string place) => question.Sort == ModelSort.Name ? $"0::bigint, {place}" : $"{place}, ''::text";

    private FoundModel Found(DbDataReader row)
    {
        var model = ModelReader.Read(row, FirstColumn);
        return new FoundModel(model, new SearchCursor(question.Sort, (int)match, row.GetInt32(1), row.GetInt64(2), row.GetString(3), model.Key));
    }
}
