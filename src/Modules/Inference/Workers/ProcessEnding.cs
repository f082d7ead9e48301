using System.ComponentModel;
using System.Diagnostics;

namespace LlmPlatform.Inference.Workers;

internal static class ProcessEnding
{
    /// <summary>Ends a process that may never have started, or has ended by itself.</summary>
    public static void EndNow(this Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception)
        {
            // There is nothing left to end.
        }
    }
}
