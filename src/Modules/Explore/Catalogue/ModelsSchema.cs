using Marten;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace LlmPlatform.Explore.Catalogue;

/// <summary>
/// The tables of the catalogue. A search has to sort, page, count and forgive typing errors over a hundred thousand rows, which wants columns and
/// indexes of its own; a document would have to be taken apart for every question.
/// </summary>
internal static class ModelsSchema
{
    // A search reads many rows and shows few. Half of a row is its variants, which only a shown row needs: where a row is larger than the 2 KB at
    // which PostgreSQL begins to move values out of it, they go.
    private const int NarrowBytes = 900;

    public static void AddModels(this StoreOptions options)
    {
        options.Storage.ExtendedSchemaObjects.Add(new Extension("pg_trgm"));
        options.Storage.ExtendedSchemaObjects.Add(Models(options.DatabaseSchemaName));
        options.Storage.ExtendedSchemaObjects.Add(Words(options.DatabaseSchemaName));
        options.Storage.ExtendedSchemaObjects.Add(Deletions(options.DatabaseSchemaName));
        options.Storage.ExtendedSchemaObjects.Add(Lists(options.DatabaseSchemaName));
    }

    private static Table Models(string schema)
    {
        var table = new Table(new PostgresqlObjectName(schema, "models", SchemaUtils.IdentifierUsage.General));
        table.StorageParameters["toast_tuple_target"] = NarrowBytes;
        table.AddColumn<string>("key").AsPrimaryKey();
        foreach (var column in (string[])["source", "name", "sort_name", "names", "words"])
        {
            table.AddColumn(column, column is "names" or "words" ? "tsvector" : "text").NotNull();
        }

        foreach (var column in (string[])["developer", "summary", "hub", "hub_key", "architecture", "licence", "digest"])
        {
            table.AddColumn<string>(column);
        }

        foreach (var column in (string[])["tasks", "quantisations", "installed_names"])
        {
            table.AddColumn(column, "text[]").NotNull();
        }

        foreach (var column in (string[])["parameters", "smallest_bytes", "largest_bytes", "needed_bytes", "downloads", "likes"])
        {
            table.AddColumn<long>(column);
        }

        // What rows are sorted by is never null: a keyset cannot stand on nothing.
        foreach (var column in (string[])["standing", "listed_standing", "size_order", "parameters_order", "changed_order", "popularity"])
        {
            table.AddColumn<long>(column).NotNull();
            table.Indexes.Add(new IndexDefinition($"models_by_{column}") { Columns = [column, "key"] });
        }

        table.AddColumn<int>("context_tokens");
        table.AddColumn("shape", "jsonb");
        table.AddColumn("variants", "jsonb").NotNull();
        table.AddColumn<bool>("is_installed").NotNull();
        table.AddColumn<bool>("is_detailed").NotNull();
        table.AddColumn<Guid>("install_id");
        foreach (var column in (string[])["installed_at", "updated_at"])
        {
            table.AddColumn(column, "timestamptz");
        }

        table.AddColumn("seen_at", "timestamptz").NotNull();
        AddIndexes(table);
        return table;
    }

    private static void AddIndexes(Table table)
    {
        foreach (var column in (string[])["names", "words", "tasks", "quantisations"])
        {
            table.Indexes.Add(new IndexDefinition($"models_in_{column}") { Columns = [column], Method = IndexMethod.gin });
        }

        table.Indexes.Add(new IndexDefinition("models_by_sort_name") { Columns = ["sort_name", "key"] });
        table.Indexes.Add(new IndexDefinition("models_by_licence") { Columns = ["licence"] });
        table.Indexes.Add(new IndexDefinition("models_by_hub_key") { Columns = ["hub_key"] });
        table.Indexes.Add(new IndexDefinition("models_by_source") { Columns = ["source", "seen_at"] });
        table.Indexes.Add(new IndexDefinition("models_installed") { Columns = ["key"], Predicate = "is_installed" });
    }

    /// <summary>The words that names of models are made of: whoever mistypes one means another of these.</summary>
    private static Table Words(string schema)
    {
        var table = new Table(new PostgresqlObjectName(schema, "model_words", SchemaUtils.IdentifierUsage.General));
        table.AddColumn<string>("word").AsPrimaryKey();
        table.Indexes.Add(new IndexDefinition("model_words_in_word") { Columns = ["word"], Method = IndexMethod.gin, Mask = "? gin_trgm_ops" });
        return table;
    }

    /// <summary>When a name was last deleted: news of an install from before that, delivered late, must not bring it back.</summary>
    private static Table Deletions(string schema)
    {
        var table = new Table(new PostgresqlObjectName(schema, "model_deletions", SchemaUtils.IdentifierUsage.General));
        table.AddColumn<string>("name").AsPrimaryKey();
        table.AddColumn("at", "timestamptz").NotNull();
        return table;
    }

    /// <summary>Which edition of a shipped list is in the table.</summary>
    private static Table Lists(string schema)
    {
        var table = new Table(new PostgresqlObjectName(schema, "model_lists", SchemaUtils.IdentifierUsage.General));
        table.AddColumn<string>("name").AsPrimaryKey();
        table.AddColumn<string>("edition").NotNull();
        return table;
    }
}
