using LlmPlatform.SharedKernel;

namespace LlmPlatform.Auth.SignIn;

/// <summary>
/// Limits wrong passwords per account and per address. An attempt counts before its password is checked, so a thousand at once get no more
/// guesses than a thousand in a row; a right password gives its count back. Sessions that exist are never touched: nobody is locked out by somebody else's guesses.
/// </summary>
public sealed class SignInAttempts(TimeProvider clock)
{
    public const int PerAccount = 10;

    // Higher than for an account: many people may share an address.
    public const int PerAddress = 30;

    private const int Capacity = 100_000;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(5);

    private readonly Lock gate = new();
    private readonly Dictionary<string, Count> counts = new(StringComparer.Ordinal);

    /// <summary>Reserves an attempt. Dispose gives it back unless it was marked as failed.</summary>
    /// <exception cref="Refusal"><c>auth.too_many_attempts</c></exception>
    public Attempt Begin(string account, string network)
    {
        lock (gate)
        {
            var byAccount = CountOf($"account {account}");
            var byAddress = CountOf($"address {network}");
            Refuse(byAccount, PerAccount);
            Refuse(byAddress, PerAddress);
            byAccount.Taken++;
            byAddress.Taken++;
            return new Attempt(() => Return(byAccount, byAddress));
        }
    }

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
            var wait = Window - clock.GetElapsedTime(count.Since);
            throw new Refusal(new Error(429, "auth.too_many_attempts", "Too many failed attempts to sign in. Wait before the next one.") { RetryAfter = wait });
        }
    }

    private Count CountOf(string key)
    {
        if (counts.TryGetValue(key, out var count) && clock.GetElapsedTime(count.Since) < Window)
        {
            return count;
        }

        if (counts.Count >= Capacity)
        {
            foreach (var (old, _) in counts.Where(c => clock.GetElapsedTime(c.Value.Since) >= Window).ToList())
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
