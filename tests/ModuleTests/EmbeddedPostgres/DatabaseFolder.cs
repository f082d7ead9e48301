using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using LlmPlatform.Host.EmbeddedPostgres;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.Logging;
using Npgsql;
using Xunit;
using Server = LlmPlatform.Host.EmbeddedPostgres.EmbeddedPostgres;

namespace LlmPlatform.ModuleTests.EmbeddedPostgres;

/// <summary>A data folder for one test, with what one does to servers in it.</summary>
internal sealed class DatabaseFolder : IAsyncDisposable
{
    private readonly ConcurrentBag<Server> started = [];

    public string Root { get; } = TemporaryFolder.Create("llmplatform-test-").FullName;

    public string DataPath { get; private set; }

    public RecordingLogger Log { get; } = new();

    public DatabaseFolder()
    {
        DataPath = Path.Combine(Root, "data");
    }

    public string Home => Path.Combine(DataPath, "postgres");

    public string Cluster => Path.Combine(Home, "data");

    public EmbeddedPostgresOptions Options => new(DataPath, NativeRuntimes.Postgres, Log);

    public DatabaseFolder Below(string name)
    {
        DataPath = Path.Combine(Root, name, "data");
        return this;
    }

    public async Task<Server> StartAsync()
    {
        var server = await Server.StartAsync(Options, TestContext.Current.CancellationToken);
        started.Add(server);
        return server;
    }

    /// <summary>A server whose host is gone: nobody supervises it any more.</summary>
    public async Task<int> StartOrphanAsync()
    {
        await using (await StartAsync())
        {
        }

        var places = await Places.FindAsync(Options, TestContext.Current.CancellationToken);
        await ServerProcess.StartAsync(places, Log, TimeProvider.System, TestContext.Current.CancellationToken);
        return ServerPid();
    }

    public int ServerPid() =>
        int.Parse(File.ReadLines(Path.Combine(Cluster, "postmaster.pid")).First(), CultureInfo.InvariantCulture);

    public async Task KillServerAsync()
    {
        using var process = Process.GetProcessById(ServerPid());
        process.Kill();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    public static async Task<T> QueryAsync<T>(Server server, string sql)
    {
        await using var source = NpgsqlDataSource.Create(server.ConnectionString);
        await using var command = source.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    public static async Task ExecuteAsync(Server server, string sql)
    {
        await using var source = NpgsqlDataSource.Create(server.ConnectionString);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in started)
        {
            await server.DisposeAsync();
        }

        var location = Path.Combine(Home, "location");
        if (File.Exists(location))
        {
            Directory.Delete((await File.ReadAllTextAsync(location)).Trim(), recursive: true);
        }

        Directory.Delete(Root, recursive: true);
    }
}

/// <summary>Keeps what was logged, and tells a waiting test when a sentence comes.</summary>
internal sealed class RecordingLogger : ILogger
{
    private readonly ConcurrentQueue<(LogLevel Level, string Text)> entries = new();
    private event Action<string>? Written;

    public IEnumerable<(LogLevel Level, string Text)> Entries => entries;

    public async Task WaitForAsync(string text)
    {
        var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Look(string written)
        {
            if (written.Contains(text, StringComparison.Ordinal))
            {
                seen.TrySetResult();
            }
        }

        Written += Look;
        foreach (var entry in entries)
        {
            Look(entry.Text);
        }

        await seen.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Written -= Look;
    }

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var text = formatter(state, exception);
        entries.Enqueue((logLevel, text));
        Written?.Invoke(text);
    }
}
