using System.Data.Common;
using System.Text.Json;

namespace LlmPlatform.Explore.Catalogue;

/// <summary>Reads a model back out of its columns.</summary>
internal static class ModelReader
{
    /// <summary>In the order in which <see cref="Read"/> takes them; the table is called <c>m</c>.</summary>
    public const string Columns =
        """
        m.key, m.source, m.name, m.developer, m.summary, m.hub, m.architecture, m.parameters, m.licence, m.context_tokens, m.tasks, m.shape, m.variants,
        m.installed_names, m.install_id, m.installed_at, m.digest, m.downloads, m.likes, m.updated_at, m.is_detailed
        """;

    public static ModelRow Read(DbDataReader row, int first) => new()
    {
        Key = row.GetString(first),
        Source = ModelColumns.SourceOf(row.GetString(first + 1)),
        Name = row.GetString(first + 2),
        Developer = Text(row, first + 3),
        Summary = Text(row, first + 4),
        Hub = Text(row, first + 5),
        Architecture = Text(row, first + 6),
        Parameters = Number(row, first + 7),
        Licence = Text(row, first + 8),
        ContextTokens = row.IsDBNull(first + 9) ? null : row.GetInt32(first + 9),
        Tasks = row.GetFieldValue<string[]>(first + 10),
        Shape = Text(row, first + 11) is { } shape ? JsonSerializer.Deserialize(shape, RowJson.Default.ModelShape) : null,
        Variants = JsonSerializer.Deserialize(row.GetString(first + 12), RowJson.Default.IReadOnlyListVariant)!,
        InstalledNames = row.GetFieldValue<string[]>(first + 13),
        InstallId = row.IsDBNull(first + 14) ? null : row.GetGuid(first + 14),
        InstalledAt = Time(row, first + 15),
        Digest = Text(row, first + 16),
        Downloads = Number(row, first + 17),
        Likes = Number(row, first + 18),
        UpdatedAt = Time(row, first + 19),
        IsDetailed = row.GetBoolean(first + 20),
    };

    private static string? Text(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static long? Number(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt64(column);

    private static DateTimeOffset? Time(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFieldValue<DateTimeOffset>(column);
}
