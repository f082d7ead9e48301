using System.Text.Json;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine;

public sealed class ProbeTests
{
    [Fact]
    public async Task A_folder_without_llama_is_refused_with_exit_code_3()
    {
        var (exitCode, output, _) = await WorkerProcess.RunEngineAsync("probe", "--native", Path.GetTempPath());
        Assert.Equal(3, exitCode);
        Assert.False(Parse(output).GetProperty("ok").GetBoolean());
    }

    [Fact]
    public async Task A_file_that_is_no_model_is_refused_with_a_reason()
    {
        var (exitCode, output, _) = await WorkerProcess.RunEngineAsync(
            "probe", "--native", NativeRuntimes.Llama, "--model", typeof(ProbeTests).Assembly.Location);
        Assert.Equal(1, exitCode);
        Assert.Equal("model.load_failed", Parse(output).GetProperty("code").GetString());
        Assert.Contains("magic", Parse(output).GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_library_tells_its_version_and_devices()
    {
        var (exitCode, output, _) = await WorkerProcess.RunEngineAsync("probe", "--native", NativeRuntimes.Llama);
        Assert.Equal(0, exitCode);
        Assert.StartsWith("0.5.", Parse(output).GetProperty("llamaVersion").GetString(), StringComparison.Ordinal);
        var processor = Parse(output).GetProperty("devices").EnumerateArray().Single(device => device.GetProperty("name").GetString() == "CPU");
        Assert.False(processor.GetProperty("isGpu").GetBoolean());
        Assert.True(processor.GetProperty("totalBytes").GetInt64() > 1 << 30);
        Assert.NotEmpty(Parse(output).GetProperty("devices").EnumerateArray());
    }

    [Fact]
    public async Task Files_named_as_in_the_NuGet_package_are_found()
    {
        var folder = Directory.CreateTempSubdirectory("native");
        foreach (var file in Directory.EnumerateFiles(NativeRuntimes.Llama, "*.so"))
        {
            File.CreateSymbolicLink(Path.Combine(folder.FullName, Path.GetFileName(file)), file);
        }

        foreach (var name in (string[])["libllama", "libggml"])
        {
            // The versioned name stays for the linker, which knows nothing of the plain one.
            var versioned = Directory.GetFiles(folder.FullName, $"{name}.v*.so").Single();
            File.CreateSymbolicLink(Path.Combine(folder.FullName, $"{name}.so"), File.ResolveLinkTarget(versioned, returnFinalTarget: true)!.FullName);
        }

        var (exitCode, _, error) = await WorkerProcess.RunEngineAsync("probe", "--native", folder.FullName);
        Assert.True(exitCode == 0, error);
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_model_tells_what_it_is()
    {
        var (exitCode, output, _) = await WorkerProcess.RunEngineAsync("probe", "--native", NativeRuntimes.Llama, "--model", RealModel.PathOrStandIn);
        Assert.Equal(0, exitCode);
        var report = Parse(output);
        Assert.Equal("llama", report.GetProperty("architecture").GetString());
        Assert.Equal((2048, RealModel.Path is null ? TinyShape.Tiny.Vocabulary : 512), (report.GetProperty("trainedContextTokens").GetInt32(), report.GetProperty("vocabularyTokens").GetInt32()));
        Assert.False(report.GetProperty("hasChatTemplate").GetBoolean());
    }

    private static JsonElement Parse(string output) => JsonDocument.Parse(Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries))).RootElement;
}
