using System.Globalization;
using System.Security.Claims;
using System.Threading.RateLimiting;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.RateLimiting;

namespace LlmPlatform.Host.Web;

/// <summary>Requests a minute, before anything is refused; a minute's worth may come at once. 0 switches a limit off.</summary>
internal sealed record RateLimitOptions
{
    /// <summary>From one address, signed in or not. Many people may share it.</summary>
    public int AddressPerMinute { get; init; } = 60_000;

    /// <summary>From one address, of requests that nobody signed in for.</summary>
    public int AnonymousPerMinute { get; init; } = 600;

    /// <summary>Of one user, whatever they sign in with.</summary>
    public int UserPerMinute { get; init; } = 12_000;

    /// <summary>Of one API key.</summary>
    public int KeyPerMinute { get; init; } = 6_000;
}

/// <summary>
/// Limits how often anybody may ask, so that nobody keeps the others waiting. Counts are this node's own and forgotten at a restart: what must
/// be exact is a quota, and stands in the ledger.
/// </summary>
internal sealed class RateLimits : IDisposable
{
    // Whoever has many addresses gets no more counters than this.
    private const int MostAddresses = 1 << 16;

    private readonly PartitionedRateLimiter<HttpContext> addresses;
    private readonly PartitionedRateLimiter<HttpContext> callers;

    private RateLimits(RateLimitOptions options)
    {
        addresses = PartitionedRateLimiter.Create<HttpContext, int>(context => IsFree(context)
            ? RateLimitPartition.GetNoLimiter(-1)
            : Partition(AddressOf(context), options.AddressPerMinute));
        callers = PartitionedRateLimiter.CreateChained(
            // The narrower one first, so that a key that asks too often takes nothing from its owner.
            PartitionedRateLimiter.Create<HttpContext, string>(context => context.User.FindFirstValue(CurrentUser.ApiKeyClaim) is { } key
                ? Partition(key, options.KeyPerMinute)
                : RateLimitPartition.GetNoLimiter("")),
            PartitionedRateLimiter.Create<HttpContext, string>(context =>
                IsFree(context) ? RateLimitPartition.GetNoLimiter("")
                : context.User.FindFirstValue(CurrentUser.SubjectClaim) is { } user ? Partition($"user {user}", options.UserPerMinute)
                : Partition($"address {AddressOf(context)}", options.AnonymousPerMinute)));
        Options = options;
    }

    private RateLimitOptions Options { get; }

    public static void Add(WebApplicationBuilder builder)
    {
        builder.Services.AddRateLimiter(_ => { });
        builder.Services.AddSingleton(_ => new RateLimits(builder.Configuration.GetSection("RateLimits").Get<RateLimitOptions>() ?? new RateLimitOptions()));
    }

    /// <summary>Before anybody is asked who they are: that costs something already.</summary>
    public void UseForAddresses(WebApplication app) => app.UseRateLimiter(Middleware(addresses));

    public void UseForCallers(WebApplication app)
    {
        app.UseRateLimiter(Middleware(callers));
        app.Use((context, next) =>
        {
            Show(context);
            return next(context);
        });
    }

    public void Dispose()
    {
        addresses.Dispose();
        callers.Dispose();
    }

    /// <summary>What OpenAI's clients look for. For a key the limit of the key, which is the narrower one.</summary>
    private void Show(HttpContext context)
    {
        var limit = context.User.HasClaim(claim => claim.Type == CurrentUser.ApiKeyClaim) ? Options.KeyPerMinute : Options.UserPerMinute;
        if (limit == 0 || context.User.Identity is not { IsAuthenticated: true } || callers.GetStatistics(context) is not { } state)
        {
            return;
        }

        var left = Math.Clamp(state.CurrentAvailablePermits, 0, limit);
        var headers = context.Response.Headers;
        headers["x-ratelimit-limit-requests"] = limit.ToString(CultureInfo.InvariantCulture);
        headers["x-ratelimit-remaining-requests"] = left.ToString(CultureInfo.InvariantCulture);
        headers["x-ratelimit-reset-requests"] = string.Create(CultureInfo.InvariantCulture, $"{(limit - left) * 60.0 / limit:0.###}s");
    }

    private static RateLimiterOptions Middleware(PartitionedRateLimiter<HttpContext> limiter) => new()
    {
        GlobalLimiter = limiter,
        OnRejected = async (rejected, cancellation) =>
        {
            var wait = rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var seconds) ? seconds : TimeSpan.FromSeconds(1);
            await rejected.HttpContext.WriteErrorAsync(new Error(429, "rate.limited", "Too many requests. Ask less often.") { RetryAfter = wait });
        },
    };

    private static RateLimitPartition<TKey> Partition<TKey>(TKey key, int perMinute)
        where TKey : notnull => perMinute == 0
            ? RateLimitPartition.GetNoLimiter(key)
            : RateLimitPartition.GetTokenBucketLimiter(key, _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = perMinute,
                TokensPerPeriod = Math.Max(1, perMinute / 60),
                ReplenishmentPeriod = TimeSpan.FromMinutes(1) / perMinute * Math.Max(1, perMinute / 60),
            });

    private static int AddressOf(HttpContext context) => ClientNetwork.Of(context.Connection.RemoteIpAddress).GetHashCode(StringComparison.Ordinal) & (MostAddresses - 1);

    // Whoever watches over this server must hear from it while it is flooded.
    private static bool IsFree(HttpContext context) => context.Request.Path.StartsWithSegments("/health");
}
