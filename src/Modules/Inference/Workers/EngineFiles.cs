using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Options;

namespace LlmPlatform.Inference.Workers;

/// <summary>Knows where the worker and its native libraries are, and how one is started so that it sees nothing it does not need.</summary>
internal sealed class EngineFiles(IOptions<EngineOptions> options)
{
    // The worker runs files that strangers made. It gets what the runtime needs to start and none of our connection strings or passwords.
    private static readonly string[] Passed = ["PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ", "DOTNET_ROOT", "DOTNET_GCHeapHardLimit", "LD_LIBRARY_PATH"];

    public string EnginePath => Find(options.Value.EnginePath, "engine/Inference.Engine.dll", nameof(EnginePath), File.Exists);

    public string NativePath => Find(options.Value.NativePath, "native/llama", nameof(NativePath), Directory.Exists);

    public ProcessStartInfo Command(string verb, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Muxer())
        {
            RedirectStandardInput = true, // held open for life: at its end the worker knows that we are gone
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var argument in (string[])["exec", EnginePath, verb, "--native", NativePath, .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        var passed = Passed.Select(name => (Name: name, Value: Environment.GetEnvironmentVariable(name))).Where(v => v.Value is not null).ToArray();
        start.Environment.Clear();
        foreach (var (name, value) in passed)
        {
            start.Environment[name] = value;
        }

        start.Environment["GGML_NO_BACKTRACE"] = "1"; // its backtrace starts a debugger
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0"; // a dump would hold what people wrote
        return start;
    }

    private static string Find(string? configured, string shipped, string metadata, Func<string, bool> exists)
    {
        if (configured is not null)
        {
            return Path.GetFullPath(configured);
        }

        var beside = Path.Combine(AppContext.BaseDirectory, shipped);
        return exists(beside)
            ? beside
            : typeof(EngineFiles).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == metadata).Value!;
    }

    // <root>/shared/Microsoft.NETCore.App/<version>/ is three levels below the program that started us.
    private static string Muxer()
    {
        var muxer = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"));
        return File.Exists(muxer) ? muxer : "dotnet";
    }
}
