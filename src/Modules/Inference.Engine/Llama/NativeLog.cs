using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace LlmPlatform.Inference.Engine.Llama;

/// <summary>llama.cpp's log, a line per entry. The library calls from any of its threads and splits a line over several calls.</summary>
internal sealed unsafe partial class NativeLog
{
    private const int Info = 2;
    private const int Warning = 3;
    private const int Error = 4;
    private const int Continued = 5;

    private readonly Lock gate = new();
    private readonly StringBuilder line = new();
    private readonly ILogger logger;
    private int level = Info;
    private string? reason;

    private NativeLog(ILogger logger) => this.logger = logger;

    /// <summary>llama.cpp tells why it refused something only here: the first error names the cause, later ones what it led to.</summary>
    internal string? TakeReason() => Interlocked.Exchange(ref reason, null);

    internal static NativeLog Attach(ILogger logger)
    {
        var log = new NativeLog(logger);
        // Never freed: the library may log until the process ends.
        var handle = GCHandle.Alloc(log);
        Native.llama_log_set(&Write, (void*)GCHandle.ToIntPtr(handle));
        return log;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Write(int level, byte* text, void* log)
    {
        // An exception that leaves this method would end the process.
        try
        {
            if (text is not null && GCHandle.FromIntPtr((nint)log).Target is NativeLog target)
            {
                target.Append(level, Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text)));
            }
        }
        catch (Exception)
        {
        }
    }

    private void Append(int level, string text)
    {
        lock (gate)
        {
            if (level != Continued)
            {
                Flush();
                this.level = level;
            }

            line.Append(text);
            if (text.EndsWith('\n'))
            {
                Flush();
            }
        }
    }

    private void Flush()
    {
        var text = line.ToString().Trim().ReplaceLineEndings(" ");
        line.Clear();
        if (text.Length == 0)
        {
            return;
        }

        switch (level)
        {
            case Error:
                reason ??= text;
                LogError(logger, text);
                break;
            case Warning:
                LogWarning(logger, text);
                break;
            default:
                LogDebug(logger, text);
                break;
        }
    }

    [LoggerMessage(LogLevel.Error, "llama.cpp: {Text}")]
    private static partial void LogError(ILogger logger, string text);

    [LoggerMessage(LogLevel.Warning, "llama.cpp: {Text}")]
    private static partial void LogWarning(ILogger logger, string text);

    [LoggerMessage(LogLevel.Debug, "llama.cpp: {Text}")]
    private static partial void LogDebug(ILogger logger, string text);
}
