namespace LlmPlatform.Host.EmbeddedPostgres;

/// <summary>The operator has to change something before the server may run; trying again does not help.</summary>
internal sealed class PostgresRefusedException(string sentence) : Exception(sentence);

/// <summary>The server, or a program that prepares it, failed; the message ends with the last lines it wrote.</summary>
internal sealed class PostgresStartException(string sentence, IReadOnlyList<string> lastLines)
    : Exception(lastLines.Count == 0 ? sentence : string.Join(Environment.NewLine, [$"{sentence} Its last lines:", .. lastLines]))
{
    public IReadOnlyList<string> LastLines { get; } = lastLines;
}

internal sealed class DataFolderInUseException(string sentence) : Exception(sentence);
