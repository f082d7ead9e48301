using System.Security.Claims;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;

namespace LlmPlatform.Auth.Credentials;

/// <summary>Asks for a signed-in user whose role is not pending and whose credential covers the road.</summary>
internal sealed class RoadScopeRequirement : IAuthorizationRequirement;

/// <summary>A leaked key is as dangerous as its scopes are wide, so a key for generating text opens no other door.</summary>
internal sealed class RoadScopeHandler : AuthorizationHandler<RoadScopeRequirement>
{
    private static readonly PathString[] OllamaManagement = ["/api/pull", "/api/push", "/api/create", "/api/copy", "/api/delete", "/api/blobs"];

    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, RoadScopeRequirement requirement)
    {
        if (!context.User.IsInRole(Roles.Pending) && Covers(context.User, (context.Resource as HttpContext)?.Request.Path ?? default))
        {
            context.Succeed(requirement);
        }

        return Task.CompletedTask;
    }

    /// <summary>Whether the credential's scopes reach this road, whatever its owner's role allows.</summary>
    internal static bool Covers(ClaimsPrincipal credential, PathString path) =>
        credential.HasClaim(CurrentUser.ScopeClaim, Scopes.Everything) || (ScopeOf(path) is { } scope && credential.HasClaim(CurrentUser.ScopeClaim, scope));

    // A road that is not listed needs every scope.
    internal static string? ScopeOf(PathString path) => Roads.Of(path) switch
    {
        Road.Ollama when OllamaManagement.Any(managing => path.StartsWithSegments(managing)) => Scopes.Models,
        Road.OpenAi or Road.Anthropic or Road.Ollama => Scopes.Inference,
        _ when path.StartsWithSegments("/api/v1/chat") || path == "/api/v1/inference/usage" || path == "/api/v1/inference/quotas" => Scopes.Inference,
        _ when path.StartsWithSegments("/api/v1/inference") || path.StartsWithSegments("/api/v1/explore") => Scopes.Models,
        _ when path.StartsWithSegments("/api/v1/admin") || path.StartsWithSegments("/api/v1/auth/users") || path.StartsWithSegments("/api/v1/auth/groups") || path.StartsWithSegments("/api/v1/auth/quotas") || path.StartsWithSegments("/metrics") => Scopes.Admin,
        _ => null,
    };
}
