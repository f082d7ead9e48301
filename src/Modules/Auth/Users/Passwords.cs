using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Threading.RateLimiting;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace LlmPlatform.Auth.Users;

/// <summary>Whether a password fits; <see cref="NewHash"/> is set where the stored one is weaker than today's.</summary>
public sealed record PasswordCheck(bool Fits, string? NewHash);

/// <summary>
/// Hashes passwords with PBKDF2-SHA512. One hash costs a tenth of a second of a core on purpose, so only as many run as there are cores, and
/// the queue is short: a flood of sign-ins is turned away before it starves everything else.
/// </summary>
public sealed class Passwords : IDisposable
{
    private const int Iterations = 210_000;
    private const int Waiting = 16;
    private static readonly string Nobody = Unmatchable();

    private readonly PasswordHasher<User> hasher = new(Options.Create(new PasswordHasherOptions { IterationCount = Iterations }));
    private readonly ConcurrencyLimiter cores = new(new ConcurrencyLimiterOptions { PermitLimit = Environment.ProcessorCount, QueueLimit = Waiting });

    public async Task<string> HashAsync(string password, CancellationToken cancellation)
    {
        using var core = await TakeCoreAsync(cancellation);
        return hasher.HashPassword(null!, password);
    }

    /// <summary>Checks a password. Where there is no hash the same work is done, so that the time does not tell who is registered.</summary>
    public async Task<PasswordCheck> CheckAsync(string? hash, string password, CancellationToken cancellation)
    {
        using var core = await TakeCoreAsync(cancellation);
        return hasher.VerifyHashedPassword(null!, hash ?? Nobody, password) switch
        {
            PasswordVerificationResult.Success => new PasswordCheck(true, null),
            PasswordVerificationResult.SuccessRehashNeeded => new PasswordCheck(true, hasher.HashPassword(null!, password)),
            _ => new PasswordCheck(false, null),
        };
    }

    public void Dispose() => cores.Dispose();

    private async ValueTask<RateLimitLease> TakeCoreAsync(CancellationToken cancellation)
    {
        var core = await cores.AcquireAsync(1, cancellation);
        if (core.IsAcquired)
        {
            return core;
        }

        core.Dispose();
        throw new Refusal(new Error(429, "auth.busy", "Too many people sign in at this moment. Try again shortly.") { RetryAfter = TimeSpan.FromSeconds(1) });
    }

    // Identity's format 3: marker, PRF 2 (HMAC-SHA512), iterations, salt length, salt, subkey. A random subkey belongs to no known password.
    private static string Unmatchable()
    {
        var bytes = RandomNumberGenerator.GetBytes(13 + 16 + 32);
        bytes[0] = 0x01;
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(1), 2);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(5), Iterations);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(9), 16);
        return Convert.ToBase64String(bytes);
    }
}
