using LlmPlatform.Explore.Catalogue;
using Npgsql;

namespace LlmPlatform.Explore.Search;

/// <summary>A page of models, and the counts over all that were found.</summary>
internal sealed record FoundModels(IReadOnlyList<FoundModel> Rows, ModelFacets Facets);

/// <summary>A model, and where it stands in its list.</summary>
internal sealed record FoundModel(ModelRow Model, SearchCursor Place);

/// <summary>
/// Searches the table of models. Two ways lead to a page, because the planner cannot know how many rows a prefix will find: few matches are taken
/// first and sorted then; many are met often enough on a walk along the index of the order. The first way stops at a fixed number of rows and says
/// so, and then the second is sure to be short.
/// </summary>
internal sealed class ModelSearch(NpgsqlDataSource database)
{
    // Fewer than this, and whoever typed may have mistyped.
    private const int Few = 5;

    // Two letters that changed places leave a word of four letters two of its five trigrams.
    private const string Settings = "set local pg_trgm.word_similarity_threshold = 0.4; set local jit = off";

    /// <summary>Answers with one row more than the limit where there are more.</summary>
    public async Task<FoundModels> FindAsync(ModelQuestion question, long budgetBytes, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var setting = new NpgsqlCommand(Settings, connection))
        {
            await setting.ExecuteNonQueryAsync(cancellation);
        }

        var facets = await FacetsAsync(connection, question, budgetBytes, forgives: false, cancellation);
        var forgives = facets.Total < Few && !question.Text.IsEmpty;
        if (forgives)
        {
            facets = await FacetsAsync(connection, question, budgetBytes, forgives: true, cancellation);
        }

        var rows = new List<FoundModel>();
        foreach (var match in Matches(question, forgives))
        {
            if (rows.Count <= question.Limit && match >= (Match)(question.After?.Tier ?? 0))
            {
                var page = new PageOfMatches(connection, question, budgetBytes, match, forgives);
                rows.AddRange(await page.ReadAsync(question.Limit + 1 - rows.Count, facets.IsComplete, cancellation));
            }
        }

        return new FoundModels(rows, facets);
    }

    private static Match[] Matches(ModelQuestion question, bool forgives) => question switch
    {
        { Sort: not ModelSort.Relevance } or { Text.IsEmpty: true } => [Match.Any],
        _ when forgives || question.After?.Tier == (int)Match.Spelling => [Match.Name, Match.Description, Match.Spelling],
        _ => [Match.Name, Match.Description],
    };

    private static async Task<ModelFacets> FacetsAsync(NpgsqlConnection connection, ModelQuestion question, long budgetBytes, bool forgives, CancellationToken cancellation)
    {
        var statement = new SearchStatement(question, budgetBytes);
        await using var command = statement.Command(ModelFacets.Statement(statement.Where(Match.Any, forgives)), connection);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await ModelFacets.ReadAsync(reader, cancellation);
    }
}
