using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Models;

namespace LlmPlatform.Inference.Workers;

internal sealed class MemoryFit(MemoryBudget budget, AvailableMemory available, Func<IReadOnlyList<GpuMemory>> gpus) : IMemoryFit
{
    public MachineMemory Machine() => new(available.Total(), available.Read(), budget.Limit, budget.Room, gpus());

    public MemoryNeed Need(long weightsBytes, ModelShape? shape, int? contextTokens)
    {
        if (shape is null)
        {
            return new MemoryNeed(null, weightsBytes, null, weightsBytes + ModelMemory.Process, IsComplete: false);
        }

        var memory = ModelMemory.Of(weightsBytes, shape);
        var estimate = memory.Estimate(memory.ContextTokens(contextTokens), KvCacheType.F16);
        return new MemoryNeed(estimate.ContextTokens, weightsBytes, estimate.KvCacheBytes, estimate.TotalBytes, IsComplete: true);
    }
}
