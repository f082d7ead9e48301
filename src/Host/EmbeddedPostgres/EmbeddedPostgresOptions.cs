namespace LlmPlatform.Host.EmbeddedPostgres;

/// <param name="DataPath">The host's data folder; the cluster lies in its folder <c>postgres</c>.</param>
/// <param name="BinariesPath">The folder with PostgreSQL's <c>bin</c>, <c>lib</c> and <c>share</c>.</param>
/// <param name="Logger">Takes the server's own lines too, so its category should be <c>PostgreSQL</c>.</param>
internal sealed record EmbeddedPostgresOptions(string DataPath, string BinariesPath, ILogger Logger)
{
    /// <summary>
    /// Whom the server runs as when the host is root; without it the owner of the cluster, or the first that exists of llmplatform,
    /// postgres and nobody.
    /// </summary>
    public string? User { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
