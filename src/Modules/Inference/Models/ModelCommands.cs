using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;
using Wolverine;

namespace LlmPlatform.Inference.Models;

/// <summary>Commands that come by message have nobody who waits: what is refused is told by message too, and never tried again.</summary>
internal static class ModelCommands
{
    public static async Task<OutgoingMessages> CarryOutAsync(Guid commandId, string name, TimeProvider time, Func<CancellationToken, Task<OutgoingMessages>> act, CancellationToken cancellation)
    {
        try
        {
            return await act(cancellation);
        }
        catch (Refusal refusal)
        {
            return [new ModelCommandRefused(commandId, name, refusal.Error.Code, refusal.Error.Message, time.GetUtcNow())];
        }
        catch (GenerationException refusal)
        {
            return [new ModelCommandRefused(commandId, name, refusal.Code, refusal.Message, time.GetUtcNow())];
        }
    }
}
