using System.Diagnostics;

namespace LlmPlatform.Inference.Engine;

/// <summary>
/// Ends this process when its parent ends. The parent holds the other end of stdin, so the kernel tells us, however the parent died; and a
/// kill needs no help of threads that may hang in native code.
/// </summary>
internal static class ParentWatch
{
    internal static void Start() => new Thread(WaitForEnd) { Name = "parent watch", IsBackground = true }.Start();

    /// <summary>A probe may be run by hand, with a terminal or nothing at all as stdin.</summary>
    internal static void StartIfPiped()
    {
        var target = new FileInfo("/proc/self/fd/0").LinkTarget ?? "";
        if (target.StartsWith("pipe:", StringComparison.Ordinal) || target.StartsWith("socket:", StringComparison.Ordinal))
        {
            Start();
        }
    }

    private static void WaitForEnd()
    {
        using var input = Console.OpenStandardInput();
        var ignored = new byte[64];
        try
        {
            while (input.Read(ignored) > 0)
            {
            }
        }
        catch (IOException)
        {
            // No parent to read from is no parent.
        }

        Process.GetCurrentProcess().Kill();
    }
}
