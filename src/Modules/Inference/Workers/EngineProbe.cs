using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;

namespace LlmPlatform.Inference.Workers;

/// <summary>What a throw-away worker found out; where it is not <c>Ok</c>, a stable code and a sentence say why.</summary>
public sealed record ProbeResult(
    bool Ok,
    string? Code,
    string? Message,
    string? Architecture,
    long Parameters,
    int TrainedContextTokens,
    int VocabularyTokens,
    bool HasChatTemplate,
    string? LlamaVersion,
    bool GeneratesText = true)
{
    /// <summary>What can compute on this machine; only where llama.cpp alone was tried.</summary>
    public IReadOnlyList<EngineDevice>? Devices { get; init; }

    internal static ProbeResult Failed(string code, string message) => new(false, code, message, null, 0, 0, 0, false, null);
}

/// <summary>A processor that the engine can compute on; memory in bytes.</summary>
public sealed record EngineDevice(string Name, string Description, bool IsGpu, long TotalBytes, long FreeBytes);

/// <summary>
/// Loads a file in a process that is thrown away. A file that makes llama.cpp abort ends that process and nothing else,
/// so no model is installed that did not load once.
/// </summary>
public sealed class EngineProbe
{
    // The report is one line, a chat template included; a worker that says more than this has gone wrong.
    private const int ReportLimit = 4 * 1024 * 1024;

    private readonly EngineFiles files;
    private readonly EngineOptions options;
    private readonly TimeProvider time;

    internal EngineProbe(EngineFiles files, IOptions<EngineOptions> options, TimeProvider time)
    {
        this.files = files;
        this.options = options.Value;
        this.time = time;
    }

    /// <summary>Probes llama.cpp alone, or a model file.</summary>
    public async Task<ProbeResult> RunAsync(string? modelPath, CancellationToken cancellation)
    {
        using var process = new Process { StartInfo = files.Command("probe", modelPath is null ? [] : ["--model", modelPath]) };
        using var timeout = new CancellationTokenSource(options.ProbeTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        try
        {
            process.Start();
            var errors = process.StandardError.BaseStream.CopyToAsync(Stream.Null, either.Token);
            var report = await ReadReportAsync(process.StandardOutput, either.Token);
            await errors;
            await process.WaitForExitAsync(either.Token);
            return Parse(report, process.ExitCode);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return ProbeResult.Failed("model.load_timeout", $"The engine did not load this within {options.ProbeTimeout.TotalSeconds:0} seconds.");
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return ProbeResult.Failed("engine.missing", $"The engine could not be started: {e.Message}.");
        }
        finally
        {
            process.EndNow();
        }
    }

    private static async Task<string> ReadReportAsync(StreamReader output, CancellationToken cancellation)
    {
        var report = new StringBuilder();
        var buffer = new char[8192];
        while (report.Length < ReportLimit && await output.ReadAsync(buffer, cancellation) is > 0 and var read)
        {
            report.Append(buffer, 0, read);
        }

        return report.ToString();
    }

    private static ProbeResult Parse(string report, int exitCode)
    {
        // A process that a signal ended exits with 128 and more.
        var line = report.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault();
        if (line is null || exitCode > 128)
        {
            return ProbeResult.Failed("model.load_crashed", $"The engine ended with exit code {exitCode} while it loaded this. The file is damaged, or made for another version.");
        }

        try
        {
            return JsonSerializer.Deserialize<ProbeResult>(line, JsonSerializerOptions.Web)
                ?? ProbeResult.Failed("model.load_crashed", "The engine said nothing about this file.");
        }
        catch (JsonException)
        {
            return ProbeResult.Failed("model.load_crashed", $"The engine ended with exit code {exitCode} and no report.");
        }
    }
}
