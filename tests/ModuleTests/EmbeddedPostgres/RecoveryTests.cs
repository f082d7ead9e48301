using System.Diagnostics;
using LlmPlatform.Host.EmbeddedPostgres;
using Microsoft.Extensions.Logging;
using Npgsql;
using Xunit;

namespace LlmPlatform.ModuleTests.EmbeddedPostgres;

public sealed class RecoveryTests
{
    [Fact]
    public async Task A_server_that_is_killed_is_started_anew()
    {
        await using var folder = new DatabaseFolder();
        var server = await folder.StartAsync();
        await DatabaseFolder.ExecuteAsync(server, "CREATE TABLE kept(id int); INSERT INTO kept VALUES (7)");

        await folder.KillServerAsync();
        await folder.Log.WaitForAsync("PostgreSQL runs again");

        Assert.Equal(7, await DatabaseFolder.QueryAsync<int>(server, "SELECT id FROM kept"));
        Assert.True(server.IsRunning);
        Assert.False(server.Completion.IsCompleted);
    }

    [Fact]
    public async Task A_stop_is_clean_and_ends_the_supervision()
    {
        await using var folder = new DatabaseFolder();
        var server = await folder.StartAsync();
        await using var busy = new NpgsqlConnection(server.ConnectionString);
        await busy.OpenAsync(TestContext.Current.CancellationToken);

        await server.StopAsync(TestContext.Current.CancellationToken);

        Assert.True(server.Completion.IsCompletedSuccessfully);
        Assert.False(File.Exists(Path.Combine(folder.Cluster, "postmaster.pid")));
        await folder.StartAsync();
        Assert.DoesNotContain(folder.Log.Entries, entry => entry.Text.Contains("recovery in progress", StringComparison.Ordinal));
        Assert.DoesNotContain(folder.Log.Entries, entry => entry.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task A_committed_row_survives_the_death_of_everything_and_a_second_death_during_recovery()
    {
        await using var folder = new DatabaseFolder();
        await folder.StartOrphanAsync();
        var places = await Places.FindAsync(folder.Options, TestContext.Current.CancellationToken);
        var connectionString = Credentials.Read(places.CredentialsFile)!.ConnectionString(places.SocketFolder);
        await using (var source = NpgsqlDataSource.Create(connectionString))
        await using (var command = source.CreateCommand("CREATE TABLE kept AS SELECT n FROM generate_series(1, 200000) AS n"))
        {
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        await PostgresProcesses.KillAllAsync(places.Data, TestContext.Current.CancellationToken);
        var recovering = folder.StartAsync();
        await folder.Log.WaitForAsync("recovery in progress");
        await PostgresProcesses.KillAllAsync(places.Data, TestContext.Current.CancellationToken);
        await recovering.ContinueWith(static _ => { }, TestContext.Current.CancellationToken, TaskContinuationOptions.None, TaskScheduler.Default);

        var server = await folder.StartAsync();

        Assert.Equal(200000, await DatabaseFolder.QueryAsync<long>(server, "SELECT count(*) FROM kept"));
    }

    [Fact]
    public async Task A_server_of_a_host_that_died_is_replaced()
    {
        await using var folder = new DatabaseFolder();
        var orphan = await folder.StartOrphanAsync();

        var server = await folder.StartAsync();

        Assert.NotEqual(orphan, folder.ServerPid());
        Assert.Throws<ArgumentException>(() => Process.GetProcessById(orphan));
        Assert.Equal(1, await DatabaseFolder.QueryAsync<int>(server, "SELECT 1"));
    }

    [Fact]
    public async Task A_stranger_who_has_the_old_process_id_is_left_alone()
    {
        await using var folder = new DatabaseFolder();
        await folder.StartOrphanAsync();
        var pidFile = Path.Combine(folder.Cluster, "postmaster.pid");
        var lines = await File.ReadAllLinesAsync(pidFile, TestContext.Current.CancellationToken);
        await PostgresProcesses.KillAllAsync(folder.Cluster, TestContext.Current.CancellationToken);
        using var stranger = Process.Start(new ProcessStartInfo("sleep", "600"))!;
        lines[0] = $"{stranger.Id}";
        await File.WriteAllLinesAsync(pidFile, lines, TestContext.Current.CancellationToken);

        var server = await folder.StartAsync();

        Assert.False(stranger.HasExited);
        Assert.Equal(1, await DatabaseFolder.QueryAsync<int>(server, "SELECT 1"));
        stranger.Kill();
    }

    [Theory]
    [InlineData("fsync")]
    [InlineData("full_page_writes")]
    [InlineData("synchronous_commit")]
    public async Task A_setting_that_loses_commits_is_refused(string setting)
    {
        await using var folder = new DatabaseFolder();
        await using (await folder.StartAsync())
        {
        }

        await File.AppendAllTextAsync(Path.Combine(folder.Cluster, "postgresql.conf"), $"{setting} = off\n", TestContext.Current.CancellationToken);

        var refused = await Assert.ThrowsAsync<PostgresRefusedException>(folder.StartAsync);

        Assert.Contains($"{setting} = off", refused.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(folder.Cluster, "postmaster.pid")));
    }

    [Fact]
    public async Task A_broken_configuration_fails_with_the_server_s_own_words()
    {
        await using var folder = new DatabaseFolder();
        await using (await folder.StartAsync())
        {
        }

        await File.AppendAllTextAsync(Path.Combine(folder.Cluster, "postgresql.conf"), "no_such_thing = 1\n", TestContext.Current.CancellationToken);

        var failed = await Assert.ThrowsAsync<PostgresStartException>(folder.StartAsync);

        Assert.Contains("no_such_thing", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cluster_of_another_version_is_refused()
    {
        await using var folder = new DatabaseFolder();
        await using (await folder.StartAsync())
        {
        }

        await File.WriteAllTextAsync(Path.Combine(folder.Cluster, "PG_VERSION"), "17\n", TestContext.Current.CancellationToken);

        var refused = await Assert.ThrowsAsync<PostgresRefusedException>(folder.StartAsync);

        Assert.Contains("is of PostgreSQL 17", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cluster_whose_passwords_are_lost_is_refused()
    {
        await using var folder = new DatabaseFolder();
        await using (await folder.StartAsync())
        {
        }

        File.Delete(Path.Combine(folder.Home, "credentials.json"));

        var refused = await Assert.ThrowsAsync<PostgresRefusedException>(folder.StartAsync);

        Assert.Contains("credentials.json", refused.Message, StringComparison.Ordinal);
    }
}
