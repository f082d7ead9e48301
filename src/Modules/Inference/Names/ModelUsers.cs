using System.Security.Claims;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Inference.Names;

internal static class ModelUsers
{
    /// <summary>Who asks, by what the credential says of them.</summary>
    public static ModelUser ToModelUser(this ClaimsPrincipal principal)
    {
        var user = CurrentUser.From(principal);
        return new ModelUser(user.Id, user.Role) { Groups = ValuesOf(PlatformClaims.Group), Models = ValuesOf(PlatformClaims.Model) };

        IReadOnlyList<string> ValuesOf(string type) => [.. principal.FindAll(type).Select(claim => claim.Value)];
    }
}
