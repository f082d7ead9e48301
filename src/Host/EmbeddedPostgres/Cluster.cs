namespace LlmPlatform.Host.EmbeddedPostgres;

/// <summary>
/// The database files. They are made under another name and renamed as the last act, so a folder called <c>data</c> is always complete,
/// is never made twice and never deleted.
/// </summary>
internal static partial class Cluster
{
    public const string Version = "18";

    /// <summary>What an operator may change later in postgresql.conf: small, and started quickly.</summary>
    private static readonly string[] settings =
    [
        "shared_buffers=64MB", "max_connections=100", "jit=off", "huge_pages=off", "timezone=UTC", "log_timezone=UTC", "max_wal_size=512MB",
        // Three processes less; a local disk gains little from them.
        "io_method=sync",
        "max_logical_replication_workers=0",
    ];

    public static async Task EnsureAsync(Places places, Credentials credentials, ILogger logger, CancellationToken cancellation)
    {
        await DeleteUnfinishedAsync(places, cancellation);
        if (places.HasCluster)
        {
            var version = (await File.ReadAllTextAsync(Path.Combine(places.Data, "PG_VERSION"), cancellation)).Trim();
            if (version != Version)
            {
                throw new PostgresRefusedException(
                    $"The database in {places.Data} is of PostgreSQL {version}; this host runs PostgreSQL {Version}. " +
                    "Move it with pg_upgrade or with a dump.");
            }
        }
        else
        {
            if (Directory.Exists(places.Data) && Directory.EnumerateFileSystemEntries(places.Data).Any())
            {
                throw new PostgresRefusedException(
                    $"The folder {places.Data} holds files but no database (PG_VERSION is missing). " +
                    "Restore it, or move it away to begin with an empty one.");
            }

            Log.Creating(logger, places.Data);
            await CreateAsync(places, credentials, logger, cancellation);
        }

        if (places.Base != places.Home && !File.Exists(places.LocationFile))
        {
            UnixFiles.WritePrivately(places.LocationFile, places.Base + "\n");
        }
    }

    private static async Task CreateAsync(Places places, Credentials credentials, ILogger logger, CancellationToken cancellation)
    {
        var unfinished = $"{places.Data}.new-{Guid.CreateVersion7():N}";
        await places.CreatePrivateFolderAsync(unfinished, cancellation);

        // The character type of the C library decides what a word is for text search; with plain C, “quotes” and CJK commas are letters.
        var (exitCode, output) = await InitializeAsync(places, unfinished, "C.UTF-8", cancellation);
        if (exitCode != 0 && output.Contains("invalid locale name", StringComparison.Ordinal))
        {
            Log.NoUnicodeWords(logger);
            (exitCode, output) = await InitializeAsync(places, unfinished, "C", cancellation);
        }

        if (exitCode != 0)
        {
            throw new PostgresStartException($"initdb failed with exit code {exitCode}.", output.Split('\n').TakeLast(20).ToList());
        }

        await File.WriteAllTextAsync(Path.Combine(unfinished, "pg_hba.conf"), "local all all scram-sha-256\n", cancellation);
        await places.Launcher.MustRunAsync(
            places.Program("postgres"),
            ["--single", "-c", "exit_on_error=on", "-c", "log_min_messages=warning", "-D", unfinished, "postgres"],
            $"""
            ALTER ROLE postgres PASSWORD '{credentials.AdministratorPassword}'
            CREATE ROLE {Credentials.Role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD '{credentials.Password}'
            CREATE DATABASE {Credentials.Database} OWNER {Credentials.Role}

            """,
            cancellation);
        await places.Launcher.MustRunAsync(places.Program("initdb"), ["--sync-only", "-D", unfinished], cancellation);

        if (Directory.Exists(places.Data))
        {
            Directory.Delete(places.Data);
        }

        Directory.Move(unfinished, places.Data);

        // Until the new name is on the disk, a power cut would make the next start take the database for an unfinished one.
        await Launcher.AsHost.MustRunAsync(Launcher.Tool("sync"), [places.Base], cancellation);
    }

    // No password passes through a file: until the roles have theirs, nobody may connect.
    private static Task<(int ExitCode, string Output)> InitializeAsync(
        Places places, string folder, string characterType, CancellationToken cancellation) =>
        places.Launcher.RunAsync(
            places.Program("initdb"),
            [
                "-D", folder, "--username=postgres", "--auth=reject", "--data-checksums", "--no-sync", "--no-instructions",
                "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", $"--lc-ctype={characterType}",
                "--text-search-config=english", .. settings.SelectMany(setting => new[] { "--set", setting }),
            ],
            "",
            cancellation);

    private static async Task DeleteUnfinishedAsync(Places places, CancellationToken cancellation)
    {
        foreach (var folder in Directory.GetDirectories(places.Base, "data.new-*"))
        {
            await PostgresProcesses.KillAllAsync(folder, cancellation);
            Directory.Delete(folder, recursive: true);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Creating the database in {Folder}")]
        public static partial void Creating(ILogger logger, string folder);

        [LoggerMessage(Level = LogLevel.Warning, Message =
            "The locale C.UTF-8 is missing here; text search will split words at ASCII punctuation only")]
        public static partial void NoUnicodeWords(ILogger logger);
    }
}
