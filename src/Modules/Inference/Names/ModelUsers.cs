using System.Security.Claims;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Inference.Names;

internal static class ModelUsers
{
    /// <summary>Who asks, by what the credential says of them.</summary>
    public static ModelUser ToModelUser(this ClaimsPrincipal principal) => CurrentUser.From(principal).ToModelUser();

    public static ModelUser ToModelUser(this CurrentUser user) => new(user.Id, user.Role) { Groups = user.Groups, Models = user.Models, ApiKeyId = user.ApiKeyId, ManagesModels = user.May(Permissions.Models) };
}
