using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Quotas;

/// <summary>Counts what one request uses. Its end, however it comes, hands the count to the ledger.</summary>
internal sealed class Meter(RequestUsage start, IReadOnlyList<QuotaLine> lines, Action<Meter> end) : IDisposable
{
    private Action<Meter>? end = end;
    private volatile bool isAdmitted;
    private volatile int promptTokens;
    private volatile int cachedTokens;
    private volatile int completionTokens;

    public Guid Id => start.Id;

    /// <summary>The lines that hold a part of a quota for it.</summary>
    public IReadOnlyList<QuotaLine> Lines => lines;

    /// <summary>What the request may be told about its quota; null where it has none.</summary>
    public QuotaBalance? Tightest { get; init; }

    /// <summary>As of now, from any thread.</summary>
    public RequestUsage Usage => start with { IsAdmitted = isAdmitted, PromptTokens = promptTokens, CachedTokens = cachedTokens, CompletionTokens = completionTokens };

    public void Count(Event news)
    {
        switch (news.NewsCase)
        {
            case Event.NewsOneofCase.Admitted:
                promptTokens = (int)news.Admitted.PromptTokens;
                isAdmitted = true;
                break;
            case Event.NewsOneofCase.Delta:
                completionTokens = (int)news.Delta.Tokens;
                break;
            case Event.NewsOneofCase.Finished:
                promptTokens = (int)news.Finished.Usage.PromptTokens;
                cachedTokens = (int)news.Finished.Usage.CachedTokens;
                completionTokens = (int)news.Finished.Usage.CompletionTokens;
                break;
        }
    }

    public void Dispose() => Interlocked.Exchange(ref end, null)?.Invoke(this);
}
