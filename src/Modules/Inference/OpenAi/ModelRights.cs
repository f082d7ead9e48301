using LlmPlatform.Inference.Generation;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Http;

namespace LlmPlatform.Inference.OpenAi;

internal static class ModelRights
{
    /// <summary>A model that the caller's key does not name does not exist for it.</summary>
    public static void Check(HttpContext context, string model)
    {
        if (!Allows(context, model))
        {
            throw EngineCalls.NotFound(model);
        }
    }

    public static bool Allows(HttpContext context, string model) =>
        !context.User.HasClaim(claim => claim.Type == PlatformClaims.Model) || context.User.HasClaim(PlatformClaims.Model, model);
}
