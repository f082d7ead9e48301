namespace LlmPlatform.Inference.Engine;

/// <summary>
/// Writes a line per entry to stderr, at once: the framework's console logger queues, and a process that native code ends would take the
/// lines that explain its end with it.
/// </summary>
internal sealed class StderrLog(LogLevel least) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new Category(categoryName, least);

    public void Dispose()
    {
    }

    private sealed class Category(string name, LogLevel least) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= least && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
            {
                return;
            }

            var text = formatter(state, exception);
            var line = exception is null ? text : $"{text}: {exception}";
            Console.Error.WriteLine($"{logLevel} {name}: {line.ReplaceLineEndings(" ")}");
        }
    }
}
