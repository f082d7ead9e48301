using System.Globalization;

namespace LlmPlatform.Host.EmbeddedPostgres;

/// <summary>
/// Root cannot run PostgreSQL, so another user does, and that user must reach the cluster and the programs. Where the data folder lies
/// below one that only root enters, as <c>/root</c>, both move under <c>/var/lib/llmplatform</c>.
/// </summary>
internal static partial class RootPlaces
{
    private const string Elsewhere = "/var/lib/llmplatform";

    private static readonly string[] programParts = ["bin", "lib", "share"];

    public static async Task<Places> FindAsync(
        string home, string binaries, EmbeddedPostgresOptions options, CancellationToken cancellation)
    {
        UnixFiles.CreateFolder(home, UnixFiles.OwnerAndPassage);
        var kept = Places.ReadLocation(home);
        var user = await FindUserAsync(options.User, Path.Combine(kept, "data"), cancellation);
        var places = new Places(home, kept, binaries, user);
        if (kept == home && !await IsTrueAsync(places, ["-x", home], cancellation))
        {
            places = await MoveElsewhereAsync(places, options, cancellation);
        }

        await TakeOverAsync(places, options.Logger, cancellation);
        return places with { Binaries = await FindBinariesAsync(places, options.Logger, cancellation) };
    }

    // A cluster keeps the user it has, so that running the host once as root does not lock its everyday user out.
    private static async Task<ServerUser> FindUserAsync(string? name, string data, CancellationToken cancellation)
    {
        if (name is not null)
        {
            return ServerUser.Find(user => user.Name == name)
                ?? throw new PostgresRefusedException($"Postgres:User names {name}, which is root or not in /etc/passwd.");
        }

        if (Directory.Exists(data) && await OwnerAsync(data, cancellation) is { Uid: not 0 } owner)
        {
            return owner;
        }

        string[] usual = ["llmplatform", "postgres", "nobody"];
        return usual.Select(name => ServerUser.Find(user => user.Name == name)).FirstOrDefault(user => user is not null)
            ?? throw new PostgresRefusedException(
                "PostgreSQL does not run as root, and there is no user llmplatform, postgres or nobody; set Postgres:User.");
    }

    private static async Task<ServerUser> OwnerAsync(string path, CancellationToken cancellation)
    {
        var ids = (await Launcher.AsHost.MustRunAsync(Launcher.Tool("stat"), ["-c", "%u %g", path], cancellation)).Split(' ');
        var uid = int.Parse(ids[0], CultureInfo.InvariantCulture);
        return ServerUser.Find(user => user.Uid == uid) ?? new ServerUser($"#{uid}", uid, int.Parse(ids[1], CultureInfo.InvariantCulture));
    }

    // Asked of a program that runs already: setpriv still starts what only root reaches.
    private static async Task<bool> IsTrueAsync(Places places, string[] claim, CancellationToken cancellation) =>
        (await places.Launcher.RunAsync(Launcher.Tool("test"), claim, "", cancellation)).ExitCode == 0;

    private static async Task<Places> MoveElsewhereAsync(Places places, EmbeddedPostgresOptions options, CancellationToken cancellation)
    {
        if (places.HasCluster)
        {
            throw new PostgresRefusedException(
                $"The database in {places.Data} exists, but the user {places.User!.Name} cannot enter a folder above it; " +
                "allow that (chmod o+x) or set Postgres:User.");
        }

        var moved = new Places(places.Home, Path.Combine(Elsewhere, UnixFiles.ShortName(places.Home)), places.Binaries, places.User);
        UnixFiles.CreateFolder(Elsewhere, UnixFiles.OwnerAndPassage);
        UnixFiles.CreateFolder(moved.Base, UnixFiles.OwnerAndPassage);
        Log.KeptElsewhere(options.Logger, moved.Base, places.User!.Name, places.Home);
        if (moved.HasCluster && !File.Exists(moved.CredentialsFile))
        {
            // It belonged to a data folder of this name that was deleted since.
            var aside = $"{moved.Data}-{options.Time.GetUtcNow().ToString("yyyyMMddHHmmss", CultureInfo.InvariantCulture)}";
            Directory.Move(moved.Data, aside);
            Log.SetAside(options.Logger, aside);
        }

        return moved;
    }

    private static async Task TakeOverAsync(Places places, ILogger logger, CancellationToken cancellation)
    {
        if (places.HasCluster && await OwnerAsync(places.Data, cancellation) is var owner && owner.Uid != places.User!.Uid)
        {
            await PostgresProcesses.StopAllAsync(places, logger, cancellation);
            await Launcher.AsHost.MustRunAsync(
                Launcher.Tool("chown"), ["-R", $"{places.User.Uid}:{places.User.Gid}", places.Data], cancellation);
            Log.TakenOver(logger, places.Data, owner.Name, places.User.Name);
        }
    }

    private static async Task<string> FindBinariesAsync(Places places, ILogger logger, CancellationToken cancellation)
    {
        string[] usable =
        [
            "-x", places.Program("postgres"), "-a", "-r", Path.Combine(places.Binaries, "lib"), "-a", "-r", Path.Combine(places.Binaries, "share"),
        ];
        if (await IsTrueAsync(places, usable, cancellation))
        {
            return places.Binaries;
        }

        var version = await Launcher.AsHost.MustRunAsync(places.Program("postgres"), ["--version"], cancellation);
        var copy = Path.Combine(Elsewhere, "runtimes", $"postgresql-{version.Split(' ')[^1]}");
        if (!Directory.Exists(copy))
        {
            UnixFiles.CreateFolder(Elsewhere, UnixFiles.OwnerAndPassage);
            UnixFiles.CreateFolder(Path.Combine(Elsewhere, "runtimes"), UnixFiles.OwnerAndPassage);
            var unfinished = $"{copy}.new-{Environment.ProcessId}";
            UnixFiles.CreateFolder(unfinished, UnixFiles.OwnerAndPassage);
            string[] parts = [.. programParts.Select(part => Path.Combine(places.Binaries, part))];
            await Launcher.AsHost.MustRunAsync(Launcher.Tool("cp"), ["-a", "--no-preserve=ownership", .. parts, unfinished], cancellation);
            await Launcher.AsHost.MustRunAsync(Launcher.Tool("chmod"), ["-R", "u=rwX,go=rX", unfinished], cancellation);
            Directory.Move(unfinished, copy);
            Log.BinariesCopied(logger, places.User!.Name, places.Binaries, copy);
        }

        return copy;
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message =
            "The database is kept in {Folder}, because the user {User} cannot enter {Home}. " +
            "Back up both folders, or move the data folder where that user may enter")]
        public static partial void KeptElsewhere(ILogger logger, string folder, string user, string home);

        [LoggerMessage(Level = LogLevel.Warning, Message = "A database of an earlier data folder was set aside as {Folder}")]
        public static partial void SetAside(ILogger logger, string folder);

        [LoggerMessage(Level = LogLevel.Information, Message = "The database in {Folder} went from the user {Before} to {User}")]
        public static partial void TakenOver(ILogger logger, string folder, string before, string user);

        [LoggerMessage(Level = LogLevel.Information, Message =
            "The user {User} cannot run the programs in {Binaries}; they were copied to {Copy}")]
        public static partial void BinariesCopied(ILogger logger, string user, string binaries, string copy);
    }
}
