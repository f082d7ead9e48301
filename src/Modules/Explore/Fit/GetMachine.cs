using LlmPlatform.Inference.Contracts;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Wolverine.Http;

namespace LlmPlatform.Explore.Fit;

public static class GetMachineEndpoint
{
    [WolverineGet("/api/v1/explore/machine", OperationId = "getMachine"), Authorize]
    [EndpointSummary("What memory this machine has for models, now"), Tags("Explore")]
    public static MachineMemory Get(IMemoryFit memory) => memory.Machine();
}
