using LlmPlatform.Host.EmbeddedPostgres;
using Xunit;

namespace LlmPlatform.ModuleTests.EmbeddedPostgres;

public sealed class DataFolderTests : IDisposable
{
    private readonly string path = Directory.CreateTempSubdirectory("llmplatform-test-").FullName;

    [Fact]
    public void A_second_host_is_refused_and_told_who_holds_the_folder()
    {
        using var first = DataFolder.Open(path, TimeProvider.System);

        var refused = Assert.Throws<DataFolderInUseException>(() => DataFolder.Open(path, TimeProvider.System));

        Assert.Matches($@"^Another LlmPlatform host \(pid {Environment.ProcessId}, since \d{{4}}-\d\d-\d\d .* UTC\) uses the data folder {path}\.$", refused.Message);
    }

    [Fact]
    public void A_folder_that_was_given_back_can_be_taken_again()
    {
        DataFolder.Open(path, TimeProvider.System).Dispose();

        using var second = DataFolder.Open(path, TimeProvider.System);

        Assert.Equal(path, second.Path);
    }

    [Fact]
    public void A_lock_file_that_a_killed_host_left_is_no_lock()
    {
        File.WriteAllText(Path.Combine(path, "host.lock"), "");
        File.WriteAllText(Path.Combine(path, "host.pid"), "pid 1, since 2020-01-01 00:00:00 UTC");

        using var folder = DataFolder.Open(path, TimeProvider.System);

        Assert.StartsWith($"pid {Environment.ProcessId}, since ", File.ReadAllText(Path.Combine(path, "host.pid")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_cannot_be_made_is_not_reported_as_in_use()
    {
        var file = Path.Combine(path, "file");
        File.WriteAllText(file, "");

        Assert.ThrowsAny<IOException>(() => DataFolder.Open(Path.Combine(file, "data"), TimeProvider.System));
    }

    public void Dispose() => Directory.Delete(path, recursive: true);
}
