using LlmPlatform.Inference.Models;

namespace LlmPlatform.Inference.Workers;

/// <summary>A load that has its memory. Where no worker takes it over, disposing gives it back.</summary>
internal sealed class PreparedLoad(LoadPlan plan, MemoryGrant grant, Func<LoadPlan, MemoryEstimate, Worker> start) : IDisposable
{
    private readonly MemoryGrant grant = grant;
    private bool isClaimed;

    public LoadPlan Plan => plan;

    public Worker Start() => start(plan, grant.Estimate);

    /// <summary>From here on the memory belongs to whoever calls this.</summary>
    public MemoryGrant TakeGrant()
    {
        isClaimed = true;
        return grant;
    }

    public void Dispose()
    {
        if (!isClaimed)
        {
            grant.Dispose();
        }
    }
}
