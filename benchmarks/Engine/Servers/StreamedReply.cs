using System.Diagnostics;

namespace LlmPlatform.Benchmarks.Servers;

/// <summary>A reply with the moments at which its parts came, as <see cref="Stopwatch"/> timestamps.</summary>
internal sealed class StreamedReply
{
    public long Sent { get; } = Stopwatch.GetTimestamp();

    public List<long> Parts { get; } = [];

    public string Text { get; set; } = "";

    public int CompletionTokens { get; set; }

    public long Ended { get; set; }

    public double FirstTextMilliseconds => Stopwatch.GetElapsedTime(Sent, Parts[0]).TotalMilliseconds;

    public static double Seconds(IReadOnlyCollection<StreamedReply> replies) =>
        Stopwatch.GetElapsedTime(replies.Min(r => r.Sent), replies.Max(r => r.Ended)).TotalSeconds;
}
