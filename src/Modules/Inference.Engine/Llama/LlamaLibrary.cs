using System.Runtime.InteropServices;

namespace LlmPlatform.Inference.Engine.Llama;

/// <summary>The native library is missing, is of another version, or does not fit this binding.</summary>
internal sealed class NativeLibraryException(string message) : Exception(message);

/// <summary>What can compute. Memory is in bytes; that of the processor is the machine's.</summary>
internal sealed record LlamaDevice(string Name, string Description, bool IsGpu, long TotalBytes, long FreeBytes);

/// <summary>
/// llama.cpp, loaded into this process once. <see cref="Load"/> comes before every other call of this folder; it cannot be undone, because
/// the library keeps threads and callbacks for the life of the process.
/// </summary>
internal sealed unsafe class LlamaLibrary
{
    // llama.cpp keeps no ABI between minor versions: structs grow in the middle.
    private const string SupportedVersion = "0.5.";
    private const int CpuDevice = 0;
    private const int Gpu = 1; // as ggml-backend.h numbers kinds of devices
    private const int IntegratedGpu = 2;

    private LlamaLibrary(string version, NativeLog log)
    {
        Version = version;
        Log = log;
    }

    internal string Version { get; }

    internal NativeLog Log { get; }

    internal static LlamaLibrary Load(string directory, ILogger logger)
    {
        NativeLibrary.SetDllImportResolver(typeof(Native).Assembly, (name, _, _) => Resolve(directory, name));
        var version = ReadVersion(directory);
        if (!version.StartsWith(SupportedVersion, StringComparison.Ordinal))
        {
            throw new NativeLibraryException($"llama.cpp in {directory} is {version}; this engine is built for {SupportedVersion}x.");
        }

        if (!NativeLayout.Fits())
        {
            throw new NativeLibraryException($"llama.cpp in {directory} says it is {version}, but its structs differ from that version's.");
        }

        var log = NativeLog.Attach(logger);
        Native.ggml_backend_load_all_from_path(directory);
        if (Native.ggml_backend_dev_by_type(CpuDevice) == 0)
        {
            throw new NativeLibraryException($"No CPU backend (libggml-cpu*.so) in {directory} runs on this processor.");
        }

        Native.llama_backend_init();
        return new LlamaLibrary(version, log);
    }

    internal static IReadOnlyList<LlamaDevice> Devices()
    {
        var devices = new List<LlamaDevice>();
        for (nuint index = 0; index < Native.ggml_backend_dev_count(); index++)
        {
            var device = Native.ggml_backend_dev_get(index);
            Native.ggml_backend_dev_memory(device, out var free, out var total);
            devices.Add(new LlamaDevice(
                Marshal.PtrToStringUTF8((nint)Native.ggml_backend_dev_name(device)) ?? "",
                Marshal.PtrToStringUTF8((nint)Native.ggml_backend_dev_description(device)) ?? "",
                Native.ggml_backend_dev_type(device) is Gpu or IntegratedGpu,
                (long)total,
                (long)free));
        }

        return devices;
    }

    /// <summary>The CPU backend is a plugin, so its functions are found by name at run time.</summary>
    internal static void* CpuFunction(string name)
    {
        var registry = Native.ggml_backend_dev_backend_reg(Native.ggml_backend_dev_by_type(CpuDevice));
        var function = Native.ggml_backend_reg_get_proc_address(registry, name);
        return function is not null ? function : throw new NativeLibraryException($"The CPU backend has no function {name}.");
    }

    private static string ReadVersion(string directory)
    {
        try
        {
            return (Marshal.PtrToStringUTF8((nint)Native.llama_version()) ?? "").TrimStart('v');
        }
        catch (Exception problem) when (problem is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            throw new NativeLibraryException($"llama.cpp cannot be loaded from {directory}: {problem.Message}");
        }
    }

    /// <summary>npm's build names the files libllama.v0.5.0.so, NuGet's libllama.so. What they need of each other lies beside them.</summary>
    private static nint Resolve(string directory, string name)
    {
        if (name is not (Native.Llama or Native.Ggml or Native.GgmlBase))
        {
            return 0;
        }

        var plain = Path.Combine(directory, $"lib{name}.so");
        var file = File.Exists(plain)
            ? plain
            : Directory.Exists(directory)
                ? Directory.EnumerateFiles(directory, $"lib{name}.v*.so").Order(StringComparer.Ordinal).LastOrDefault()
                : null;
        return file is null ? throw new DllNotFoundException($"lib{name}.so is missing") : NativeLibrary.Load(Path.GetFullPath(file));
    }
}
