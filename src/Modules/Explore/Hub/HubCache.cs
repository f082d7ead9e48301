using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Npgsql;

namespace LlmPlatform.Explore.Hub;

/// <summary>An answer of the hub that is kept.</summary>
/// <param name="Value">What it said.</param>
/// <param name="At">When it said so.</param>
/// <param name="IsStale">It is old, and the hub could not be asked again.</param>
internal sealed record Kept<T>(T Value, DateTimeOffset At, bool IsStale);

/// <summary>
/// Keeps what the hub said, in the database, so that hosts and restarts share it. Whoever asks for the same at the same time waits for one answer,
/// and that is asked for to its end even where nobody waits any more. An old answer is better than none; a refusal is remembered for a while.
/// </summary>
internal sealed class HubCache(NpgsqlDataSource database, TimeProvider time) : IDisposable
{
    public const int MostAnswers = 2000;
    public static readonly TimeSpan Fresh = TimeSpan.FromMinutes(10);
    public static readonly TimeSpan StaleAtMost = TimeSpan.FromHours(24);
    public static readonly TimeSpan RefusedFor = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Lazy<Task<Entry>>> flights = new();
    private readonly CancellationTokenSource stopping = new();

    /// <summary>The answer that is kept where it is fresh, else a new one, else the old one.</summary>
    /// <param name="key">What is asked for.</param>
    /// <param name="type">How answers are written.</param>
    /// <param name="ask">Asks the hub.</param>
    /// <param name="cancellation">Stops waiting; the hub is asked all the same.</param>
    /// <exception cref="HubException">There is none.</exception>
    public async Task<Kept<T>> GetAsync<T>(string key, JsonTypeInfo<T> type, Func<CancellationToken, Task<T>> ask, CancellationToken cancellation)
    {
        var entry = await HubAnswersTable.FindAsync(database, key, cancellation);
        if (entry is null || !IsSettled(entry))
        {
            var flight = flights.GetOrAdd(key, _ => new Lazy<Task<Entry>>(() => Task.Run(() => FlyAsync(key, type, ask, stopping.Token), stopping.Token)));
            entry = await flight.Value.WaitAsync(cancellation);
        }

        return entry switch
        {
            { Body: { } body, FetchedAt: { } at } when IsUsable(entry) && JsonSerializer.Deserialize(body, type) is { } value => new Kept<T>(value, at, at + Fresh <= time.GetUtcNow()),
            { Failure: { } failure } => throw failure.ToException(time.GetUtcNow()),
            _ => throw HubException.Answer(),
        };
    }

    public void Dispose()
    {
        stopping.Cancel();
        stopping.Dispose();
    }

    /// <summary>Whether it is too early to ask again.</summary>
    private bool IsSettled(Entry entry) => entry.FetchedAt + Fresh > time.GetUtcNow() || entry.Failure?.Until > time.GetUtcNow();

    private bool IsUsable(Entry entry) => entry.FetchedAt + StaleAtMost > time.GetUtcNow();

    private async Task<Entry> FlyAsync<T>(string key, JsonTypeInfo<T> type, Func<CancellationToken, Task<T>> ask, CancellationToken cancellation)
    {
        try
        {
            // Another flight may have ended between the look at the table and now.
            var known = await HubAnswersTable.FindAsync(database, key, cancellation);
            if (known is not null && IsSettled(known))
            {
                return known;
            }

            var entry = await AskAsync(known, type, ask, cancellation);
            if (entry.Failure is not { IsPassing: true })
            {
                await HubAnswersTable.WriteAsync(database, key, entry, MostAnswers, time.GetUtcNow(), cancellation);
            }

            return entry;
        }
        finally
        {
            flights.TryRemove(key, out _);
        }
    }

    private async Task<Entry> AskAsync<T>(Entry? known, JsonTypeInfo<T> type, Func<CancellationToken, Task<T>> ask, CancellationToken cancellation)
    {
        try
        {
            return new Entry(JsonSerializer.Serialize(await ask(cancellation), type), time.GetUtcNow(), null);
        }
        catch (HubException refused)
        {
            var until = time.GetUtcNow() + (refused.IsPassing || refused.RetryAfter > RefusedFor ? refused.RetryAfter!.Value : RefusedFor);
            var failure = new Failure(refused.Status, refused.Code, refused.Message, until) { IsPassing = refused.IsPassing };
            return refused.IsFinal ? new Entry(null, null, failure) : new Entry(known?.Body, known?.FetchedAt, failure);
        }
    }

    /// <summary>What is kept: the last answer, and why there is no newer one.</summary>
    internal sealed record Entry(string? Body, DateTimeOffset? FetchedAt, Failure? Failure);

    internal sealed record Failure(int Status, string Code, string Message, DateTimeOffset Until)
    {
        public bool IsPassing { get; init; }

        public HubException ToException(DateTimeOffset now) => new(Status, Code, Message) { RetryAfter = Status == 503 && Until > now ? Until - now : null };
    }
}
