using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using LlmPlatform.Benchmarks.Servers;

namespace LlmPlatform.Benchmarks.Inside;

/// <summary>llama.cpp's own measure of how fast it generates.</summary>
internal static class LlamaBench
{
    public static async Task<double> TokensPerSecondAsync(string program, string model, int tokens, int threads)
    {
        string[] arguments =
        [
            "-n", Text(LlamaServer.Niceness), Path.GetFullPath(program),
            "-m", model, "-p", "0", "-n", Text(tokens), "-t", Text(threads), "-r", "3", "-o", "json",
        ];
        using var process = Process.Start(new ProcessStartInfo("nice", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} ended with exit code {process.ExitCode}: {await errors}");
        }

        using var results = JsonDocument.Parse(output);
        return results.RootElement[0].GetProperty("avg_ts").GetDouble();
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
