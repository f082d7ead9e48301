using System.ComponentModel;
using Npgsql;

namespace LlmPlatform.Host.EmbeddedPostgres;

/// <summary>
/// PostgreSQL as a child of the host, reached through a Unix socket only. It is started anew whenever it dies; when the host dies
/// instead, it stays, and the next start stops it first.
/// </summary>
internal sealed partial class EmbeddedPostgres : IAsyncDisposable
{
    private static readonly TimeSpan shortestPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan longestPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan calmAfter = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource stopping = new();
    private readonly Places places;
    private readonly Credentials credentials;
    private readonly ILogger logger;
    private readonly TimeProvider time;
    private Task? supervision;
    private bool disposed;

    private EmbeddedPostgres(Places places, Credentials credentials, EmbeddedPostgresOptions options)
    {
        (this.places, this.credentials, logger, time) = (places, credentials, options.Logger, options.Time);
        ConnectionString = credentials.ConnectionString(places.SocketFolder);
    }

    /// <summary>Right from the beginning, before the server answers to it.</summary>
    public string ConnectionString { get; }

    /// <summary>Whether the server accepts connections, as far as its log says.</summary>
    public bool IsRunning { get; private set; }

    /// <summary>Ends after a stop, or fails when the server must not be started again.</summary>
    public Task Completion => supervision ?? Task.CompletedTask;

    /// <summary>Finds out where everything is, before the server runs. The data folder has to be held by this host.</summary>
    public static async Task<EmbeddedPostgres> PrepareAsync(EmbeddedPostgresOptions options, CancellationToken cancellation)
    {
        var places = await Places.FindAsync(options, cancellation);
        var credentials = Credentials.Read(places.CredentialsFile);
        if (credentials is null && places.HasCluster)
        {
            throw new PostgresRefusedException(
                $"The passwords of the database in {places.Data} are missing: restore {places.CredentialsFile}.");
        }

        return new EmbeddedPostgres(places, credentials ?? Credentials.Create(places.CredentialsFile), options);
    }

    public static async Task<EmbeddedPostgres> StartAsync(EmbeddedPostgresOptions options, CancellationToken cancellation)
    {
        var postgres = await PrepareAsync(options, cancellation);
        await postgres.StartAsync(cancellation);
        return postgres;
    }

    /// <summary>Creates the cluster where there is none, and returns when the server accepts connections.</summary>
    public async Task StartAsync(CancellationToken cancellation)
    {
        await Cluster.EnsureAsync(places, credentials, logger, cancellation);
        await places.CreateSocketFolderAsync(cancellation);
        supervision = SuperviseAsync(await RunAsync(cancellation));
    }

    public async Task StopAsync(CancellationToken cancellation)
    {
        await stopping.CancelAsync();
        await Task.WhenAny(Completion).WaitAsync(cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        if (!disposed)
        {
            disposed = true;
            await StopAsync(CancellationToken.None);
            stopping.Dispose();
        }
    }

    private async Task<ServerProcess> RunAsync(CancellationToken cancellation)
    {
        await PostgresProcesses.StopAllAsync(places, logger, cancellation);
        var server = await ServerProcess.StartAsync(places, logger, time, cancellation);
        try
        {
            await Durability.AssertAsync(ConnectionString, places.Data, cancellation);
        }
        catch
        {
            await server.StopAsync(CancellationToken.None);
            throw;
        }

        IsRunning = true;
        return server;
    }

    private async Task SuperviseAsync(ServerProcess server)
    {
        var pause = shortestPause;
        for (var next = server; next is not null; next = await RestartAsync(pause))
        {
            var startedAt = time.GetTimestamp();
            if (!await EndsUnaskedAsync(next))
            {
                break;
            }

            IsRunning = false;
            Log.Died(logger, await next.Ended);
            pause = time.GetElapsedTime(startedAt) > calmAfter ? shortestPause : Longer(pause);
        }

        IsRunning = false;
    }

    private async Task<bool> EndsUnaskedAsync(ServerProcess server)
    {
        try
        {
            await server.Ended.WaitAsync(stopping.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            await server.StopAsync(CancellationToken.None);
            return false;
        }
    }

    // Without an end: a full disk, say, is emptied some day, and the host need not be started again for it.
    private async Task<ServerProcess?> RestartAsync(TimeSpan pause)
    {
        for (; ; pause = Longer(pause))
        {
            try
            {
                await Task.Delay(pause, time, stopping.Token);
                var server = await RunAsync(stopping.Token);
                Log.Restarted(logger);
                return server;
            }
            catch (OperationCanceledException)
            {
                return null;
            }
            catch (Exception failure) when (failure is PostgresStartException or NpgsqlException or IOException or Win32Exception)
            {
                Log.NotRestarted(logger, failure);
            }
        }
    }

    private static TimeSpan Longer(TimeSpan pause) => pause * 2 < longestPause ? pause * 2 : longestPause;

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Error, Message = "PostgreSQL died with exit code {ExitCode}; starting it anew")]
        public static partial void Died(ILogger logger, int exitCode);

        [LoggerMessage(Level = LogLevel.Warning, Message = "PostgreSQL runs again")]
        public static partial void Restarted(ILogger logger);

        [LoggerMessage(Level = LogLevel.Error, Message = "PostgreSQL could not be started anew; trying again in a moment")]
        public static partial void NotRestarted(ILogger logger, Exception failure);
    }
}
