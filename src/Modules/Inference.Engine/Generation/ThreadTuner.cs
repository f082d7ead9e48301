namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// Keeps the number of threads right while the machine changes: who else computes on it, no test at the start can know. Now and then, and at
/// once when steps take twice as long as they did, a few steps are computed with another number, and the faster one stays. More threads
/// have to win clearly, because a step waits for its slowest one.
/// </summary>
/// <param name="threads">What to begin with.</param>
/// <param name="most">The cores that this model may use; it may change.</param>
internal sealed class ThreadTuner(int threads, int most)
{
    private const int TrialSteps = 12;
    private const int Warmup = 2;
    private const double Clearly = 0.92;
    private const double Drift = 2;
    private const double SmallestWeight = 0.1;
    private static readonly double Patience = TimeSpan.FromSeconds(2).TotalMicroseconds;
    private static readonly double LongestPatience = TimeSpan.FromMinutes(10).TotalMicroseconds;
    private static readonly double DriftPatience = TimeSpan.FromSeconds(1).TotalMicroseconds;

    private readonly List<double> trial = [];
    private readonly Queue<double> recent = new(TrialSteps);
    private int before;
    private int size;
    private double usual;
    private double least = double.PositiveInfinity;
    private double computed;
    private double patience = Patience;
    private int steps;
    private bool triesMore = true;

    internal int Threads { get; private set; } = Math.Clamp(threads, 1, most);

    /// <summary>Cores that this model may use from now on.</summary>
    internal void Limit(int cores)
    {
        most = Math.Max(1, cores);
        if (Threads > most)
        {
            (Threads, before) = (most, 0);
            Forget();
        }
    }

    /// <summary>Takes what a step of so many sequences, one token each, cost; the next one runs with <see cref="Threads"/>.</summary>
    internal void Record(int sequences, double microseconds)
    {
        computed += microseconds;
        if (sequences != size)
        {
            // Only steps of one size compare.
            Threads = before > 0 ? before : Threads;
            (size, before) = (sequences, 0);
            Forget();
            return;
        }

        if (before > 0)
        {
            Try(microseconds);
            return;
        }

        steps++;
        if (recent.Count == TrialSteps)
        {
            recent.Dequeue();
        }

        recent.Enqueue(microseconds);
        usual += Math.Max(SmallestWeight, 1.0 / steps) * (microseconds - usual);
        least = steps >= TrialSteps ? Math.Min(least, usual) : least;
        var hasDrifted = usual > Drift * least && computed > DriftPatience;
        if (steps >= TrialSteps && (hasDrifted || computed > patience))
        {
            Begin(hasDrifted);
        }
    }

    private void Begin(bool hasDrifted)
    {
        var more = Math.Min(Threads * 2, most);
        var fewer = Math.Max(Threads / 2, 1);
        // A slower machine has fewer free cores, as a rule.
        var next = hasDrifted || !triesMore ? fewer : more;
        next = next == Threads ? (next == more ? fewer : more) : next;
        triesMore = !triesMore;
        computed = 0;
        if (next != Threads)
        {
            (before, Threads) = (Threads, next);
            trial.Clear();
        }
        else
        {
            least = usual;
        }
    }

    private void Try(double microseconds)
    {
        trial.Add(microseconds);
        if (trial.Count < TrialSteps + Warmup && trial.Sum() < DriftPatience)
        {
            return;
        }

        // The first steps of a pool wake its threads.
        var now = trial.Count > Warmup ? Median(trial.Skip(Warmup)) : double.PositiveInfinity;
        var then = Median(recent);
        var isFaster = Threads > before ? now < then * Clearly : now * Clearly < then;
        patience = isFaster ? Patience : Math.Min(patience * 2, LongestPatience);
        (Threads, before) = (isFaster ? Threads : before, 0);
        Forget();
    }

    // Of a mean, one step in which somebody else had the core would decide.
    private static double Median(IEnumerable<double> times)
    {
        var sorted = times.Order().ToList();
        return sorted[sorted.Count / 2];
    }

    private void Forget()
    {
        (steps, usual, least) = (0, 0, double.PositiveInfinity);
        recent.Clear();
    }
}
