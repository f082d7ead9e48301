using System.Text;

namespace LlmPlatform.Host.EmbeddedPostgres;

/// <summary>Where the cluster, its socket and the programs are, and who runs them.</summary>
internal sealed record Places(string Home, string Base, string Binaries, ServerUser? User)
{
    // The kernel takes 107 bytes; some leave room for the name of a backup or a test.
    private const int LongestSocketPath = 99;

    /// <summary>The host's side: passwords and where the cluster went.</summary>
    public string CredentialsFile => Path.Combine(Home, "credentials.json");

    public string LocationFile => Path.Combine(Home, "location");

    public string Data => Path.Combine(Base, "data");

    public string SocketFolder { get; } = ChooseSocketFolder(Base);

    public Launcher Launcher { get; } = new(User);

    public string Program(string name) => Path.Combine(Binaries, "bin", name);

    /// <summary>A cluster appears under this name by renaming, when it is complete.</summary>
    public bool HasCluster => File.Exists(Path.Combine(Data, "PG_VERSION"));

    public static async Task<Places> FindAsync(EmbeddedPostgresOptions options, CancellationToken cancellation)
    {
        var home = Path.Combine(UnixFiles.RealPath(options.DataPath), "postgres");
        var binaries = Path.GetFullPath(options.BinariesPath);
        if (!File.Exists(Path.Combine(binaries, "bin", "postgres")))
        {
            throw new PostgresRefusedException($"There is no PostgreSQL in {binaries}: bin/postgres is missing.");
        }

        if (Environment.IsPrivilegedProcess)
        {
            return await RootPlaces.FindAsync(home, binaries, options, cancellation);
        }

        UnixFiles.CreateFolder(home, UnixFiles.Owner);
        return new Places(home, ReadLocation(home), binaries, User: null);
    }

    public static string ReadLocation(string home)
    {
        var file = Path.Combine(home, "location");
        if (!File.Exists(file))
        {
            return home;
        }

        var location = File.ReadAllText(file).Trim();
        return File.Exists(Path.Combine(location, "data", "PG_VERSION"))
            ? location
            : throw new PostgresRefusedException(
                $"The database was kept in {location}, where it is no longer. " +
                $"Bring it back, or delete {file} to begin with an empty database.");
    }

    /// <summary>Makes a 0700 folder of the server's user; root cannot just be its owner, as the server must write there.</summary>
    public async Task CreatePrivateFolderAsync(string path, CancellationToken cancellation)
    {
        if (User is null)
        {
            UnixFiles.CreateFolder(path, UnixFiles.Owner);
            return;
        }

        await Launcher.AsHost.MustRunAsync(
            Launcher.Tool("install"), ["-d", "-m", "700", "-o", $"{User.Uid}", "-g", $"{User.Gid}", path], cancellation);
    }

    public async Task CreateSocketFolderAsync(CancellationToken cancellation)
    {
        if (!Path.Exists(SocketFolder))
        {
            await CreatePrivateFolderAsync(SocketFolder, cancellation);
        }

        // The temporary folder belongs to everybody: a folder that somebody laid there first would show him every connection.
        var found = await Launcher.AsHost.MustRunAsync(Launcher.Tool("stat"), ["-c", "%u %a %F", SocketFolder], cancellation);
        if (found == $"{User?.Uid ?? UnixFiles.OwnUid()} 700 directory")
        {
            return;
        }

        if (!SocketFolder.StartsWith(Base, StringComparison.Ordinal))
        {
            throw new PostgresRefusedException($"The folder {SocketFolder} is not ours alone ({found}); remove it.");
        }

        Directory.Delete(SocketFolder, recursive: true);
        await CreatePrivateFolderAsync(SocketFolder, cancellation);
    }

    private static string ChooseSocketFolder(string @base)
    {
        string[] candidates = [Path.Combine(@base, "socket"), .. new[] { Path.GetTempPath(), "/tmp" }.Select(folder =>
            Path.Combine(folder, $"llmplatform-{UnixFiles.ShortName(@base)}"))];
        return candidates.First(folder => Encoding.UTF8.GetByteCount(folder) + "/.s.PGSQL.5432".Length <= LongestSocketPath);
    }
}
