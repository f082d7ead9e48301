using LlmPlatform.Auth.Contracts;
using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.Inference.Quotas;

/// <summary>What a request asks for, as far as it is paid for.</summary>
/// <param name="CountPromptAsync">
/// Finds out how many tokens the prompt has where the reply may have so many; asked only where a quota needs to know. Where old turns may be left
/// out, a shorter reply leaves room for a longer prompt.
/// </param>
/// <param name="MaxTokens">Completion tokens at most, where the request says so.</param>
/// <param name="ContextTokens">What prompt and completion may be together.</param>
/// <param name="CountsPrompt">False where another reply to the same prompt pays for it.</param>
internal sealed record MeteredRequest(Func<int?, CancellationToken, Task<int>> CountPromptAsync, int? MaxTokens, int ContextTokens, bool CountsPrompt);

/// <summary>
/// Lets a request begin only where every quota that it counts against has room for its prompt and for the longest reply it may get. What it did
/// not use is given back at its end.
/// </summary>
internal sealed class Metering(IQuotaLimits limits, QuotaLedger ledger, RunningRequests running, TimeProvider time)
{
    private const int Tries = 3;

    /// <summary>What limits a user's use of a model now.</summary>
    public async Task<IReadOnlyList<QuotaLine>> LinesAsync(string model, ModelUser user, CancellationToken cancellation) =>
        QuotaLine.Of(await limits.FindAsync(new QuotaSubject(user.Id, user.ApiKeyId, user.Groups, model), cancellation), time.GetUtcNow());

    /// <summary>Turns away what has no chance, before a model is loaded or a prompt is counted for it.</summary>
    /// <exception cref="GenerationException"><c>quota.tokens_exceeded</c>, <c>quota.requests_exceeded</c></exception>
    public async Task RefuseIfSpentAsync(IReadOnlyList<QuotaLine> lines, CancellationToken cancellation)
    {
        if (lines.Count > 0)
        {
            await TightestAsync(lines, 1, cancellation); // no prompt is shorter, and how long a reply can be is known only once the model is loaded
        }
    }

    /// <summary>Begins a request, and with it a hold on its quotas.</summary>
    /// <returns>The meter, and the completion tokens that it may have where those are fewer than the context allows.</returns>
    /// <exception cref="GenerationException"><c>quota.tokens_exceeded</c>, <c>quota.requests_exceeded</c></exception>
    public async Task<(Meter Meter, int? MaxTokens)> BeginAsync(
        string model, ModelUser user, IReadOnlyList<QuotaLine> lines, MeteredRequest request, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        var usage = new RequestUsage(Guid.CreateVersion7(now), user.Id, user.ApiKeyId, user.Groups, model, now) { CountsPrompt = request.CountsPrompt };
        if (lines.Count == 0)
        {
            return (running.Begin(usage, lines, null), null);
        }

        var prompt = await request.CountPromptAsync(request.MaxTokens, cancellation);
        var room = Math.Max(1, request.ContextTokens - prompt);
        var completion = Math.Min(request.MaxTokens ?? room, room);
        var paid = request.CountsPrompt ? prompt : 0;
        for (var i = 0; i < Tries; i++)
        {
            if (await ledger.TryReserveAsync(usage, lines, paid + completion, time.GetUtcNow(), cancellation))
            {
                var balances = await ledger.ShowAsync(lines, cancellation);
                var tightest = balances.Where(b => b.TokensLeft is not null).MinBy(b => b.TokensLeft);
                return (running.Begin(usage, lines, tightest), completion < room ? completion : null);
            }

            // What ended a moment ago may not be given back yet.
            await running.SettledAsync(cancellation);
            if (request.MaxTokens is null)
            {
                // Nobody said how long the reply may be: it may be as long as the quota lasts.
                var left = await TightestAsync(lines, paid + 1, cancellation);
                completion = (int)Math.Min(room, (left ?? long.MaxValue) - paid);
                paid = request.CountsPrompt ? await request.CountPromptAsync(completion, cancellation) : 0;
            }
        }

        await TightestAsync(lines, paid + completion, cancellation);
        throw Refused(429, "quota.tokens_exceeded", "Other requests hold what is left of the quota. Try again when they have ended.", TimeSpan.FromSeconds(1), isFinal: false);
    }

    /// <summary>The fewest tokens that are left in any of the lines, null where none counts tokens; refuses where that is less than needed.</summary>
    private async Task<long?> TightestAsync(IReadOnlyList<QuotaLine> lines, long needed, CancellationToken cancellation)
    {
        var balances = await ledger.ShowAsync(lines, cancellation);
        return balances.FirstOrDefault(balance => !balance.HasRoomFor(needed)) is { } full ? throw Refuse(full, needed) : balances.Min(balance => balance.TokensLeft);
    }

    private GenerationException Refuse(QuotaBalance full, long needed)
    {
        var line = full.Line;
        var isTokens = full.TokensLeft < needed;
        var isHeld = isTokens ? line.Tokens - full.TokensUsed >= needed : line.Requests - full.RequestsUsed >= 1;
        var retryAfter = isHeld ? TimeSpan.FromSeconds(1) : line.EndsAt - time.GetUtcNow();
        var sentence = isTokens
            ? $"{Name(line.Account)} for {line.Period} has {full.TokensLeft} of {line.Tokens} tokens left{(isHeld ? ", because running requests hold the rest" : "")}; this request may need {needed}."
            : $"{Name(line.Account)} for {line.Period} allows {line.Requests} requests, and {(isHeld ? "some of them still run" : "all of them were made")}.";
        return Refused(429, isTokens ? "quota.tokens_exceeded" : "quota.requests_exceeded", sentence, retryAfter, isFinal: !isHeld);
    }

    private static GenerationException Refused(int status, string code, string sentence, TimeSpan retryAfter, bool isFinal) =>
        new(status, code, sentence) { RetryAfter = retryAfter, IsFinal = isFinal };

    private static string Name(string account) => account.Split(':', 2) switch
    {
        ["group", var key] => $"The quota of the group '{key}'",
        ["key", _] => "The budget of this API key",
        ["model", _] => "The quota of this model",
        _ => "Your quota",
    };
}
