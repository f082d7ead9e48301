using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace LlmPlatform.Chat.Notifications;

/// <summary>Gives the notices that reach this host to the pages that are open here. One connection listens for all of them.</summary>
internal sealed partial class NoticeBoard : BackgroundService
{
    /// <summary>What an operator sees the listening connection by.</summary>
    public const string ListenerName = "llmplatform notices";

    private const int MostOfUser = 20;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // A connection that was cut somewhere on the way says nothing, for ever; asking shows it.
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(30);
    private readonly NpgsqlDataSource database;
    private readonly TimeProvider time;
    private readonly ILogger<NoticeBoard> logger;
    private readonly CancellationToken stopping;
    private readonly Lock gate = new();
    private readonly Dictionary<Guid, List<NoticeReader>> readers = [];
    private bool isListening;

    public NoticeBoard(NpgsqlDataSource database, TimeProvider time, ILogger<NoticeBoard> logger, IHostApplicationLifetime lifetime)
    {
        (this.database, this.time, this.logger) = (database, time, logger);
        stopping = lifetime.ApplicationStopping;
        stopping.Register(EndAll); // before the web server, which waits for its answers to end
    }

    /// <summary>Opens a page of a user; null where they have too many. It is told when nothing is missed any more.</summary>
    public NoticeReader? TryOpen(Guid userId)
    {
        lock (gate)
        {
            if (!readers.TryGetValue(userId, out var mine))
            {
                readers[userId] = mine = [];
            }

            if (mine.Count >= MostOfUser)
            {
                return null;
            }

            var reader = new NoticeReader(this, userId);
            mine.Add(reader);
            if (isListening)
            {
                Welcome(reader);
            }

            if (stopping.IsCancellationRequested)
            {
                reader.End();
            }

            return reader;
        }
    }

    public void Close(NoticeReader reader)
    {
        lock (gate)
        {
            if (readers.TryGetValue(reader.UserId, out var mine) && mine.Remove(reader) && mine.Count == 0)
            {
                readers.Remove(reader.UserId);
            }
        }
    }

    /// <summary>Open pages of a user on this host.</summary>
    public int CountOf(Guid userId)
    {
        lock (gate)
        {
            return readers.GetValueOrDefault(userId)?.Count ?? 0;
        }
    }

    /// <summary>Gives a notice to the pages of its user. It never waits for a page.</summary>
    public void Give(Notice notice)
    {
        lock (gate)
        {
            readers.GetValueOrDefault(notice.UserId)?.ForEach(reader => reader.Give(notice));
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ListenAsync(stoppingToken);
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested && failure is not OutOfMemoryException)
            {
                LogLost(logger, failure);
            }

            lock (gate)
            {
                isListening = false;
            }

            await Task.Delay(Pause, time, stoppingToken);
        }
    }

    private async Task ListenAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        connection.Notification += (_, notification) => Receive(notification.Payload);
        await using var listen = new NpgsqlCommand($"set application_name to '{ListenerName}'; listen {Notice.Channel}", connection);
        await listen.ExecuteNonQueryAsync(cancellation);
        Resume();
        await using var ask = new NpgsqlCommand("select 1", connection) { CommandTimeout = 10 };
        while (true)
        {
            if (!await connection.WaitAsync(Silence, cancellation))
            {
                await ask.ExecuteNonQueryAsync(cancellation);
            }
        }
    }

    private void Resume()
    {
        lock (gate)
        {
            isListening = true;
            foreach (var reader in readers.Values.SelectMany(mine => mine))
            {
                Welcome(reader);
            }
        }
    }

    private static void Welcome(NoticeReader reader)
    {
        reader.Give(reader.IsReady ? Notice.Resync : Notice.Ready);
        reader.IsReady = true;
    }

    private void Receive(string json)
    {
        try
        {
            Give(Notice.Read(json));
        }
        catch (Exception foreign) when (foreign is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            LogForeign(logger); // whoever may use the database may say anything on the channel
        }
    }

    private void EndAll()
    {
        lock (gate)
        {
            foreach (var reader in readers.Values.SelectMany(mine => mine))
            {
                reader.End();
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "Notices are not heard just now: the connection to the database was lost")]
    private static partial void LogLost(ILogger logger, Exception exception);

    [LoggerMessage(LogLevel.Warning, "Something that is no notice came on the channel for notices")]
    private static partial void LogForeign(ILogger logger);
}
