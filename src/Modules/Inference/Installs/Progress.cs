namespace LlmPlatform.Inference.Installs;

/// <summary>How far a file is on its way in. Readers may look at any time.</summary>
public sealed class Progress(TimeProvider time)
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(5);
    private readonly Lock gate = new();
    private long since = time.GetTimestamp();
    private long sinceBytes;
    private double? speed;

    public string Phase { get; set; } = "starting";

    public long CompletedBytes { get; private set; }

    public long? TotalBytes { get; set; }

    /// <summary>Over the last seconds; null until something came.</summary>
    public long? BytesPerSecond
    {
        get
        {
            lock (gate)
            {
                var elapsed = time.GetElapsedTime(since).TotalSeconds;
                var latest = elapsed > 0 ? (CompletedBytes - sinceBytes) / elapsed : 0;
                var known = speed is null || elapsed >= Window.TotalSeconds ? latest : (speed + latest) / 2;
                return known >= 1 ? (long)known : null;
            }
        }
    }

    /// <summary>Seconds until the whole file is here, if it goes on like this.</summary>
    public long? SecondsLeft => TotalBytes is { } total && BytesPerSecond is > 0 and var pace ? (total - CompletedBytes + pace - 1) / pace : null;

    /// <summary>Begins at what is there already, which says nothing of the speed.</summary>
    public void StartAt(long bytes)
    {
        lock (gate)
        {
            (CompletedBytes, sinceBytes, since, speed) = (bytes, bytes, time.GetTimestamp(), null);
        }
    }

    public void Add(int bytes)
    {
        lock (gate)
        {
            CompletedBytes += bytes;
            if (time.GetElapsedTime(since) >= Window)
            {
                speed = (CompletedBytes - sinceBytes) / time.GetElapsedTime(since).TotalSeconds;
                (since, sinceBytes) = (time.GetTimestamp(), CompletedBytes);
            }
        }
    }
}
