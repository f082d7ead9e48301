using System.Diagnostics;
using Grpc.Core;
using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine;

public sealed class WorkerLifeTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task A_broken_model_file_is_a_frame_and_not_a_crash()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllBytesAsync(file, [.. "GGUF"u8, 3, 0, 0, 0, .. new byte[64]], WorkerProcess.Timeout);
        await using var worker = await WorkerProcess.StartAsync(file);
        var frame = await worker.ReadFrameAsync();
        while (frame.Loading is not null)
        {
            frame = await worker.ReadFrameAsync();
        }

        Assert.Equal("model.load_failed", frame.LoadFailed?.Code);
        File.Delete(file);
    }

    [Fact]
    public async Task A_worker_dies_with_its_parent_even_in_the_middle_of_a_story()
    {
        await using var worker = await WorkerProcess.StartReadyAsync(RealModel.PathOrStandIn);
        await worker.SubmitAsync(new Submit { Text = "Once upon a time" });
        var died = worker.Process.WaitForExitAsync(WorkerProcess.Timeout);
        worker.Process.StandardInput.Close();
        await died.WaitAsync(Soon, WorkerProcess.Timeout);
        Assert.Equal(128 + 9, worker.Process.ExitCode);
    }

    [Fact]
    public async Task A_killed_worker_fails_its_call()
    {
        await using var worker = await WorkerProcess.StartReadyAsync(RealModel.PathOrStandIn);
        var id = await worker.SubmitAsync(new Submit { Text = "Once upon a time" });
        worker.Process.Kill();
        await Assert.ThrowsAsync<RpcException>(() => worker.ReadToEndAsync(id));
    }

    [Fact]
    public async Task A_worker_gives_way_to_its_host_and_leaves_no_core()
    {
        await using var worker = await WorkerProcess.StartReadyAsync(RealModel.PathOrStandIn);
        var process = $"/proc/{worker.Process.Id}";
        var computing = Directory.EnumerateDirectories($"{process}/task").Where(thread => File.ReadAllText($"{thread}/comm").Trim() == "engine").ToList();
        Assert.NotEmpty(computing);
        Assert.All(computing, thread => Assert.Equal("5", File.ReadAllText($"{thread}/stat").Split(") ")[1].Split(' ')[16]));
        Assert.Contains(
            await File.ReadAllLinesAsync($"{process}/limits", WorkerProcess.Timeout),
            line => line.StartsWith("Max core file size        0                    0", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Requests_that_come_before_the_model_wait_for_it()
    {
        await using var worker = await WorkerProcess.StartAsync(RealModel.PathOrStandIn);
        var story = await worker.GenerateAsync(new Submit { Text = "Once upon a time", MaxTokens = 10 });
        Assert.Equal(10u, story.Finished?.Usage.CompletionTokens);
    }

    [Fact]
    public async Task A_terminated_worker_ends_cleanly_though_its_call_is_open()
    {
        await using var worker = await WorkerProcess.StartReadyAsync(RealModel.PathOrStandIn);
        await worker.SubmitAsync(new Submit { Text = "Once upon a time" });
        using var kill = Process.Start("kill", ["-TERM", $"{worker.Process.Id}"]);
        await worker.Process.WaitForExitAsync(WorkerProcess.Timeout).WaitAsync(Soon, WorkerProcess.Timeout);
        Assert.Equal(0, worker.Process.ExitCode);
    }

    [Theory]
    [InlineData("serve")]
    [InlineData("serve", "--native", "x", "--socket")]
    [InlineData("probe", "--nativ", "x")]
    [InlineData("sing")]
    public async Task A_wrong_command_line_is_explained(params string[] arguments)
    {
        var (exitCode, output, error) = await WorkerProcess.RunEngineAsync(arguments);
        Assert.Equal((2, ""), (exitCode, output));
        Assert.Contains("usage", error, StringComparison.Ordinal);
    }
}
