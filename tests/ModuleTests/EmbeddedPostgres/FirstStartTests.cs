using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using LlmPlatform.Host.EmbeddedPostgres;
using Npgsql;
using Xunit;

namespace LlmPlatform.ModuleTests.EmbeddedPostgres;

[UnsupportedOSPlatform("windows")]
public sealed class FirstStartTests
{
    [Fact]
    public async Task A_new_cluster_has_checksums_a_weak_role_and_no_way_in_but_its_socket()
    {
        await using var folder = new DatabaseFolder();
        var server = await folder.StartAsync();

        Assert.Equal("on", await DatabaseFolder.QueryAsync<string>(server, "SHOW data_checksums"));
        Assert.Equal("", await DatabaseFolder.QueryAsync<string>(server, "SHOW listen_addresses"));
        Assert.Equal("UTF8", await DatabaseFolder.QueryAsync<string>(server, "SHOW server_encoding"));
        Assert.False(await DatabaseFolder.QueryAsync<bool>(
            server, "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls FROM pg_roles WHERE rolname = current_user"));
        Assert.DoesNotContain(":1538 ", await File.ReadAllTextAsync("/proc/net/tcp", TestContext.Current.CancellationToken));

        var socketFolder = new NpgsqlConnectionStringBuilder(server.ConnectionString).Host!;
        Assert.Equal("700", Mode(socketFolder));
        Assert.Equal("700", Mode(folder.Cluster));
        Assert.Equal("600", Mode(Path.Combine(folder.Home, "credentials.json")));
    }

    [Fact]
    public async Task Only_the_password_opens_the_database()
    {
        await using var folder = new DatabaseFolder();
        var server = await folder.StartAsync();
        foreach (var user in (string[])["postgres", "llmplatform"])
        {
            var guess = new NpgsqlConnectionStringBuilder(server.ConnectionString) { Username = user, Password = "guess", Pooling = false };
            await using var connection = new NpgsqlConnection(guess.ConnectionString);

            var refused = await Assert.ThrowsAsync<PostgresException>(() => connection.OpenAsync(TestContext.Current.CancellationToken));

            Assert.Equal(PostgresErrorCodes.InvalidPassword, refused.SqlState);
        }
    }

    [Fact]
    public async Task The_role_may_create_schemas_and_trusted_extensions_and_searches_words_of_any_script()
    {
        await using var folder = new DatabaseFolder();
        var server = await folder.StartAsync();

        await DatabaseFolder.ExecuteAsync(server, "CREATE SCHEMA chat; CREATE EXTENSION pg_trgm; CREATE TABLE public.some(id int)");

        Assert.True(await DatabaseFolder.QueryAsync<bool>(
            server, "SELECT to_tsvector('simple', 'Über“Straße”—café, 你好，世界。') @@ to_tsquery('simple', 'straße & ÜBER & café & 世界')"));
    }

    [Fact]
    public async Task A_creation_that_was_killed_is_begun_again()
    {
        await using var folder = new DatabaseFolder();
        var creating = folder.StartAsync();
        await folder.Log.WaitForAsync("Creating the database");
        await KillAsync(folder);

        await Assert.ThrowsAsync<PostgresStartException>(() => creating);
        Assert.NotEmpty(Directory.GetDirectories(folder.Home, "data.new-*"));
        Assert.False(Directory.Exists(folder.Cluster));

        var server = await folder.StartAsync();

        Assert.Equal(1, await DatabaseFolder.QueryAsync<int>(server, "SELECT 1"));
        Assert.Empty(Directory.GetDirectories(folder.Home, "data.new-*"));
    }

    [Fact]
    public async Task A_folder_that_holds_something_else_is_refused_and_kept()
    {
        await using var folder = new DatabaseFolder();
        Directory.CreateDirectory(folder.Cluster);
        var precious = Path.Combine(folder.Cluster, "base");
        await File.WriteAllTextAsync(precious, "precious", TestContext.Current.CancellationToken);

        var refused = await Assert.ThrowsAsync<PostgresRefusedException>(folder.StartAsync);

        Assert.Contains("PG_VERSION is missing", refused.Message, StringComparison.Ordinal);
        Assert.True(File.Exists(precious));
    }

    [Fact]
    public async Task A_data_path_too_long_for_a_socket_gets_one_in_the_temporary_folder()
    {
        await using var folder = new DatabaseFolder().Below(new string('x', 120));
        var server = await folder.StartAsync();

        var socketFolder = new NpgsqlConnectionStringBuilder(server.ConnectionString).Host!;
        Assert.StartsWith(Path.GetTempPath(), socketFolder, StringComparison.Ordinal);
        Assert.Equal("700", Mode(socketFolder));
        Assert.Equal(1, await DatabaseFolder.QueryAsync<int>(server, "SELECT 1"));
        await server.StopAsync(TestContext.Current.CancellationToken);
        Directory.Delete(socketFolder, recursive: true);
    }

    private static string Mode(string path) => Convert.ToString((int)File.GetUnixFileMode(path) & 0x1ff, 8);

    private static async Task KillAsync(DatabaseFolder folder)
    {
        while (Directory.GetDirectories("/proc").Select(Path.GetFileName).FirstOrDefault(pid => IsCreating(pid!, folder.Home)) is var pid)
        {
            if (pid is not null)
            {
                using var process = Process.GetProcessById(int.Parse(pid, CultureInfo.InvariantCulture));
                process.Kill();
                return;
            }

            await Task.Yield();
        }
    }

    private static bool IsCreating(string pid, string home)
    {
        try
        {
            return int.TryParse(pid, out _) && File.ReadAllText($"/proc/{pid}/cmdline").Split('\0') is [var program, ..] line
                && program.EndsWith("/initdb", StringComparison.Ordinal) && line.Any(word => word.StartsWith(home, StringComparison.Ordinal));
        }
        catch (IOException)
        {
            return false;
        }
    }
}
