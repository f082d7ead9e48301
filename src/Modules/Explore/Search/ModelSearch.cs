using System.Data;
using LlmPlatform.Explore.Catalogue;
using Npgsql;

namespace LlmPlatform.Explore.Search;

/// <summary>A page of models, and the counts over all that were found.</summary>
internal sealed record FoundModels(IReadOnlyList<FoundModel> Rows, ModelFacets Facets);

/// <summary>A model, and where it stands in its list.</summary>
internal sealed record FoundModel(ModelRow Model, SearchCursor Place);

/// <summary>
/// Searches the table of models. Two ways lead to a page, because the planner cannot know how many rows a prefix will find: few matches are taken
/// first and sorted then; many are met on a walk along the index of the order. The first way stops at a fixed number of rows and says so, and then
/// the second is sure to be short.
/// </summary>
internal sealed class ModelSearch(NpgsqlDataSource database)
{
    // Fewer than this, and whoever typed may have mistyped.
    private const int Few = 5;

    // Two letters that changed places leave a word of four letters two of its eight trigrams. Nothing here runs long enough for a compiler.
    private const string Settings = "set local pg_trgm.similarity_threshold = 0.2; set local jit = off";

    /// <summary>Answers with one row more than the limit where there are more.</summary>
    public async Task<FoundModels> FindAsync(ModelQuestion question, long budgetBytes, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellation); // all statements see the same rows
        await using (var setting = new NpgsqlCommand(Settings, connection))
        {
            await setting.ExecuteNonQueryAsync(cancellation);
        }

        if (question.Visible.Names is { } names && await SeesAllAsync(connection, names, cancellation))
        {
            question = question with { Visible = VisibleModels.All };
        }

        string? corrected = null;
        var found = await CountedPage.ReadAsync(connection, question, new SearchStatement(question, budgetBytes, null), cancellation);
        if (!question.Text.IsEmpty && (found.Facets.Total < Few || question.After?.Match == Match.Spelling)
            && await Spelling.CorrectAsync(connection, question.Text.Words, cancellation) is { Count: > 0 } corrections)
        {
            corrected = question.Text.Corrected(corrections);
            found = await CountedPage.ReadAsync(connection, question, new SearchStatement(question, budgetBytes, corrected), cancellation);
        }

        var places = found.Facets.IsComplete
            ? found.Places
            : await new WalkedPage(connection, question, () => new SearchStatement(question, budgetBytes, corrected)).ReadAsync(corrected is not null, cancellation);
        return new FoundModels(await ModelsAsync(connection, places, question.Visible, cancellation), found.Facets);
    }

    /// <summary>Usually nothing is hidden from anybody, and then what is installed comes first for everybody.</summary>
    private static async Task<bool> SeesAllAsync(NpgsqlConnection connection, IReadOnlyList<string> names, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("select not exists (select from explore.models where is_installed and source = 'installed' and not name = any($1))", connection);
        command.Parameters.Add(new NpgsqlParameter { Value = names.ToArray() });
        return (bool)(await command.ExecuteScalarAsync(cancellation))!;
    }

    private static async Task<IReadOnlyList<FoundModel>> ModelsAsync(NpgsqlConnection connection, IReadOnlyList<SearchCursor> places, VisibleModels visible, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"select {ModelReader.Columns} from explore.models m where key = any($1)", connection);
        command.Parameters.Add(new NpgsqlParameter { Value = places.Select(place => place.Key).ToArray() });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var models = new Dictionary<string, ModelRow>();
        while (await reader.ReadAsync(cancellation))
        {
            var model = visible.Of(ModelReader.Read(reader));
            models.Add(model.Key, model);
        }

        return [.. places.Where(place => models.ContainsKey(place.Key)).Select(place => new FoundModel(models[place.Key], place))];
    }
}
