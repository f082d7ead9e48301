using LlmPlatform.Inference.Workers;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

public sealed class AvailableMemoryTests : IDisposable
{
    private readonly DirectoryInfo root = Directory.CreateTempSubdirectory("memory-");

    public AvailableMemoryTests() => Write("proc/meminfo", "MemTotal:       9000 kB\nMemFree:         10 kB\nMemAvailable:   1000 kB");

    private long Available => new AvailableMemory(root.FullName).Read();

    [Fact]
    public void Without_a_control_group_the_machine_counts() => Assert.Equal(1_024_000, Available);

    [Fact]
    public void A_container_has_what_its_limit_leaves_and_what_its_cache_can_give_up()
    {
        Write("proc/self/cgroup", "0::/");
        Write("sys/fs/cgroup/memory.max", "600000");
        Write("sys/fs/cgroup/memory.current", "500000");
        Write("sys/fs/cgroup/memory.stat", "anon 1\ninactive_file 40000\nactive_file 70000");
        Assert.Equal(140_000, Available);
    }

    [Fact]
    public void The_tightest_group_on_the_way_up_counts()
    {
        Write("proc/self/cgroup", "0::/kube/pod/box");
        Write("sys/fs/cgroup/kube/pod/box/memory.max", "max");
        Write("sys/fs/cgroup/kube/pod/box/memory.current", "5");
        Write("sys/fs/cgroup/kube/pod/memory.max", "300000");
        Write("sys/fs/cgroup/kube/pod/memory.current", "100000");
        Write("sys/fs/cgroup/kube/memory.max", "900000");
        Write("sys/fs/cgroup/kube/memory.current", "100000");
        Assert.Equal(200_000, Available);
    }

    [Fact]
    public void The_first_version_of_control_groups_counts_as_well()
    {
        Write("proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/box\n0::/");
        Write("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "800000");
        Write("sys/fs/cgroup/memory/box/memory.usage_in_bytes", "700000");
        Write("sys/fs/cgroup/memory/box/memory.stat", "cache 9\ntotal_inactive_file 1000");
        Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
        Write("sys/fs/cgroup/memory/memory.usage_in_bytes", "1");
        Assert.Equal(101_000, Available);
    }

    [Fact]
    public void A_group_whose_path_means_nothing_in_here_is_looked_for_at_the_top()
    {
        Write("proc/self/cgroup", "0::/docker/0123");
        Write("sys/fs/cgroup/memory.max", "7000");
        Write("sys/fs/cgroup/memory.current", "1000");
        Assert.Equal(6000, Available);
    }

    [Fact]
    public void A_group_that_is_over_its_limit_has_nothing_left()
    {
        Write("proc/self/cgroup", "0::/");
        Write("sys/fs/cgroup/memory.max", "1000");
        Write("sys/fs/cgroup/memory.current", "2000");
        Assert.Equal(0, Available);
    }

    [Fact]
    public void This_machine_has_some() => Assert.True(new AvailableMemory().Read() > 1 << 20);

    public void Dispose() => root.Delete(recursive: true);

    private void Write(string file, string text)
    {
        var path = Path.Combine(root.FullName, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
