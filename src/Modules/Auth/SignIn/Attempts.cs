using LlmPlatform.SharedKernel;

namespace LlmPlatform.Auth.SignIn;

/// <summary>
/// Counts attempts per account and per address, of a bounded number of both. An attempt counts before it is made, so a thousand at once get no
/// more than a thousand in a row.
/// </summary>
public abstract class Attempts(TimeProvider clock, int perAccount, int perAddress, TimeSpan window, Error refusal)
{
    private const int Capacity = 100_000;

    private readonly Lock gate = new();
    private readonly Dictionary<string, Count> counts = new(StringComparer.Ordinal);

    /// <summary>Reserves an attempt. Dispose gives it back unless it was marked as failed.</summary>
    /// <exception cref="Refusal">Too many, with the time to wait.</exception>
    public Attempt Begin(string account, string network)
    {
        lock (gate)
        {
            // The address first: who is turned away for it makes no counter of an account.
            var byAddress = CountOf($"address {network}");
            Refuse(byAddress, perAddress);
            var byAccount = CountOf($"account {account}");
            Refuse(byAccount, perAccount);
            byAccount.Taken++;
            byAddress.Taken++;
            return new Attempt(() => Return(byAccount, byAddress));
        }
    }

    /// <summary>Takes an attempt that counts however it ends.</summary>
    /// <exception cref="Refusal">Too many, with the time to wait.</exception>
    public void Take(string account, string network) => Begin(account, network).Fail();

    private void Return(Count account, Count address)
    {
        lock (gate)
        {
            account.Taken--;
            address.Taken--;
        }
    }

    private void Refuse(Count count, int allowed)
    {
        if (count.Taken >= allowed)
        {
            throw new Refusal(refusal with { RetryAfter = window - clock.GetElapsedTime(count.Since) });
        }
    }

    private Count CountOf(string key)
    {
        if (counts.TryGetValue(key, out var count) && clock.GetElapsedTime(count.Since) < window)
        {
            return count;
        }

        if (counts.Count >= Capacity)
        {
            // The older half goes, over or not, so that it is seldom looked for.
            foreach (var (old, _) in counts.OrderBy(c => c.Value.Since).Take(Capacity / 2).ToList())
            {
                counts.Remove(old);
            }
        }

        return counts[key] = new Count { Since = clock.GetTimestamp() };
    }

    /// <summary>One attempt under way.</summary>
    public sealed class Attempt : IDisposable
    {
        private readonly Action giveBack;
        private bool failed;

        internal Attempt(Action giveBack) => this.giveBack = giveBack;

        public void Fail() => failed = true;

        public void Dispose()
        {
            if (!failed)
            {
                giveBack();
            }
        }
    }

    private sealed class Count
    {
        public required long Since { get; init; }

        public int Taken { get; set; }
    }
}
