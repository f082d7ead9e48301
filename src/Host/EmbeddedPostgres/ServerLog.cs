using System.Text.RegularExpressions;

namespace LlmPlatform.Host.EmbeddedPostgres;

/// <summary>Reads what the server writes: it goes into the host's log, and two sentences in it say how far a start is.</summary>
internal sealed partial class ServerLog(ILogger logger)
{
    private const int KeptLines = 20;

    private readonly TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Queue<string> lastLines = new(KeptLines);
    private readonly Lock writing = new();
    private LogLevel level = LogLevel.Information;

    public Task Ready => ready.Task;

    /// <summary>Called for every sign that the server replays its log or looks through its files, which may take long.</summary>
    public Action Recovering { get; init; } = static () => { };

    public IReadOnlyList<string> LastLines
    {
        get
        {
            lock (writing)
            {
                return [.. lastLines];
            }
        }
    }

    public async Task ReadAsync(StreamReader source)
    {
        while (await source.ReadLineAsync(CancellationToken.None) is { } line)
        {
            Add(line);
        }
    }

    private void Add(string line)
    {
        lock (writing)
        {
            if (lastLines.Count == KeptLines)
            {
                lastLines.Dequeue();
            }

            lastLines.Enqueue(line);

            // A line without a severity goes on from the one before.
            if (Entry().Match(line) is { Success: true } entry)
            {
                level = Level(entry.Groups["severity"].Value, entry.Groups["text"].ValueSpan);
                line = entry.Groups["text"].Value;
                Interpret(line);
            }

            Log.Said(logger, level, line);
        }
    }

    private void Interpret(string text)
    {
        if (text.StartsWith("database system is ready to accept connections", StringComparison.Ordinal))
        {
            ready.TrySetResult();
        }
        else if (text.Contains("recovery in progress", StringComparison.Ordinal) || text.Contains("was interrupted", StringComparison.Ordinal)
            || text.Contains("elapsed time", StringComparison.Ordinal) || text.StartsWith("redo ", StringComparison.Ordinal))
        {
            Recovering();
        }
    }

    private static LogLevel Level(string severity, ReadOnlySpan<char> text) => severity switch
    {
        "PANIC" => LogLevel.Critical,
        // A stop cuts every pooled session; that is no error.
        "FATAL" when text.StartsWith("terminating connection due to administrator command", StringComparison.Ordinal) => LogLevel.Debug,
        "FATAL" or "ERROR" => LogLevel.Error,
        "WARNING" => LogLevel.Warning,
        "LOG" or "INFO" or "NOTICE" or "HINT" => LogLevel.Information,
        _ => LogLevel.Debug,
    };

    [GeneratedRegex(@"^\[\d+\] (?<severity>[A-Z0-9]+):  (?<text>.*)$")]
    private static partial Regex Entry();

    private static partial class Log
    {
        [LoggerMessage(Message = "{Line}")]
        public static partial void Said(ILogger logger, LogLevel level, string line);
    }
}
