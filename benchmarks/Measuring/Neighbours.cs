using System.Diagnostics;

namespace LlmPlatform.Measuring;

/// <summary>What programs that are none of ours take of the processors, from the moment of its making on.</summary>
internal sealed class Neighbours
{
    private const double Quiet = 0.15;
    private const int BusyFields = 8; // user, nice, system, idle, iowait, irq, softirq, steal
    private const int IdleField = 3;
    private const int WaitField = 4;
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(300);
    private readonly (long Total, long Others) start = Read();

    /// <summary>Waits for a moment in which others leave the machine alone, but no longer than this.</summary>
    public static async Task WaitForQuietAsync(TimeSpan patience)
    {
        var waited = Stopwatch.StartNew();
        while (waited.Elapsed < patience)
        {
            var now = new Neighbours();
            await Task.Delay(Look);
            if (now.Share() < Quiet)
            {
                return;
            }
        }
    }

    /// <summary>1 is all of all processors.</summary>
    public double Share()
    {
        var (total, others) = Read();
        return total > start.Total ? Math.Max(0, (double)(others - start.Others) / (total - start.Total)) : 0;
    }

    private static (long Total, long Others) Read()
    {
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Take(BusyFields).Select(long.Parse).ToArray();
        var ours = ProcessTree.Of(Environment.ProcessId).Sum(ProcessTree.TicksOf);
        return (fields.Sum(), fields.Sum() - fields[IdleField] - fields[WaitField] - ours);
    }
}
