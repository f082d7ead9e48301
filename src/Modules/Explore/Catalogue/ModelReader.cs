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

    public static ModelRow Read(DbDataReader row) => new()
    {
        Key = row.GetString(0),
        Source = ModelColumns.SourceOf(row.GetString(1)),
        Name = row.GetString(2),
        Developer = Text(row, 3),
        Summary = Text(row, 4),
        Hub = Text(row, 5),
        Architecture = Text(row, 6),
        Parameters = Number(row, 7),
        Licence = Text(row, 8),
        ContextTokens = row.IsDBNull(9) ? null : row.GetInt32(9),
        Tasks = row.GetFieldValue<string[]>(10),
        Shape = Text(row, 11) is { } shape ? JsonSerializer.Deserialize(shape, RowJson.Default.ModelShape) : null,
        Variants = JsonSerializer.Deserialize(row.GetString(12), RowJson.Default.IReadOnlyListVariant)!,
        InstalledNames = row.GetFieldValue<string[]>(13),
        InstallId = row.IsDBNull(14) ? null : row.GetGuid(14),
        InstalledAt = Time(row, 15),
        Digest = Text(row, 16),
        Downloads = Number(row, 17),
        Likes = Number(row, 18),
        UpdatedAt = Time(row, 19),
        IsDetailed = row.GetBoolean(20),
    };

    private static string? Text(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static long? Number(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt64(column);

    private static DateTimeOffset? Time(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFieldValue<DateTimeOffset>(column);
}
