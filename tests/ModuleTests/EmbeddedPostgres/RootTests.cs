using System.Globalization;
using System.Runtime.Versioning;
using LlmPlatform.Host.EmbeddedPostgres;
using LlmPlatform.ModuleTests.Support;
using Xunit;
using Server = LlmPlatform.Host.EmbeddedPostgres.EmbeddedPostgres;

namespace LlmPlatform.ModuleTests.EmbeddedPostgres;

[UnsupportedOSPlatform("windows")]
public sealed class RootTests
{
    private const string OnlyRoot = "Only root has to run the server as another user.";

    [Fact]
    public async Task The_server_of_root_runs_as_another_user_and_the_setting_changes_whom()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, OnlyRoot);
        await using var folder = new DatabaseFolder();
        await using (await folder.StartAsync())
        {
            Assert.NotEqual(0, ServerUid(folder));
        }

        var nobody = folder.Options with { User = "nobody" };
        await using var server = await Server.StartAsync(nobody, TestContext.Current.CancellationToken);

        var uid = ServerUser.Find(user => user.Name == "nobody")!.Uid;
        Assert.Equal(uid, ServerUid(folder));
        Assert.Equal(1, await DatabaseFolder.QueryAsync<int>(server, "SELECT 1"));
    }

    [Fact]
    public async Task A_user_that_does_not_exist_or_is_root_is_refused()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, OnlyRoot);
        await using var folder = new DatabaseFolder();
        foreach (var name in (string[])["root", "no-such-user"])
        {
            var refused = await Assert.ThrowsAsync<PostgresRefusedException>(() => Server.PrepareAsync(
                folder.Options with { User = name }, TestContext.Current.CancellationToken));

            Assert.Contains(name, refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Below_a_folder_that_only_root_enters_the_cluster_moves_elsewhere()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, OnlyRoot);
        await using var folder = new DatabaseFolder().Below("private");
        Directory.CreateDirectory(Path.Combine(folder.Root, "private"), UnixFiles.Owner);

        await using (var first = await folder.StartAsync())
        {
            await DatabaseFolder.ExecuteAsync(first, "CREATE TABLE kept(id int)");
        }

        var location = (await File.ReadAllTextAsync(Path.Combine(folder.Home, "location"), TestContext.Current.CancellationToken)).Trim();
        Assert.StartsWith("/var/lib/llmplatform/", location, StringComparison.Ordinal);
        Assert.Single(folder.Log.Entries, entry => entry.Text.Contains($"The database is kept in {location}", StringComparison.Ordinal));
        var second = await folder.StartAsync();
        Assert.Equal(0, await DatabaseFolder.QueryAsync<long>(second, "SELECT count(*) FROM kept"));
    }

    [Fact]
    public async Task A_database_that_was_kept_elsewhere_and_is_gone_is_not_begun_anew_in_silence()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, OnlyRoot);
        await using var folder = new DatabaseFolder();
        Directory.CreateDirectory(folder.Home);
        var location = Path.Combine(folder.Home, "location");
        await File.WriteAllTextAsync(location, Path.Combine(folder.Root, "gone"), TestContext.Current.CancellationToken);

        var refused = await Assert.ThrowsAsync<PostgresRefusedException>(folder.StartAsync);

        Assert.Contains("no longer", refused.Message, StringComparison.Ordinal);
        File.Delete(location);
    }

    [Fact]
    public async Task A_cluster_that_its_user_no_longer_reaches_is_refused_and_not_begun_anew()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, OnlyRoot);
        await using var folder = new DatabaseFolder();
        await using (await folder.StartAsync())
        {
        }

        File.SetUnixFileMode(folder.Root, UnixFiles.Owner);

        var refused = await Assert.ThrowsAsync<PostgresRefusedException>(folder.StartAsync);

        Assert.Contains("cannot enter", refused.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(folder.Home, "location")));
    }

    [Fact]
    public async Task Programs_that_only_root_reaches_are_copied_with_their_links()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, OnlyRoot);
        const string Runtimes = "/var/lib/llmplatform/runtimes";
        Assert.SkipWhen(Directory.Exists(Runtimes), $"{Runtimes} exists; a copy there would be used as it is.");
        await using var folder = new DatabaseFolder();
        var hidden = Directory.CreateDirectory(Path.Combine(folder.Root, "hidden"), UnixFiles.Owner).FullName;
        Directory.CreateSymbolicLink(Path.Combine(hidden, "native"), NativeRuntimes.Postgres);
        var options = folder.Options with { BinariesPath = Path.Combine(hidden, "native") };

        await using (var server = await Server.StartAsync(options, TestContext.Current.CancellationToken))
        {
            Assert.Equal(1, await DatabaseFolder.QueryAsync<int>(server, "SELECT 1"));
        }

        var copy = Assert.Single(Directory.GetDirectories(Runtimes));
        Assert.StartsWith("postgresql-18.", Path.GetFileName(copy), StringComparison.Ordinal);
        Assert.NotNull(new FileInfo(Path.Combine(copy, "lib", "libpq.so")).LinkTarget);
        Directory.Delete(Runtimes, recursive: true);
    }

    private static int ServerUid(DatabaseFolder folder) => int.Parse(
        File.ReadLines($"/proc/{folder.ServerPid()}/status").Single(line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1],
        CultureInfo.InvariantCulture);
}
