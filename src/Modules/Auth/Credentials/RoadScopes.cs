using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;

namespace LlmPlatform.Auth.Credentials;

/// <summary>Asks for a signed-in user whose role is not pending and whose credential covers the road.</summary>
internal sealed class RoadScopeRequirement : IAuthorizationRequirement;

/// <summary>A leaked key is as dangerous as its scopes are wide, so a key for generating text opens no other door.</summary>
internal sealed class RoadScopeHandler : AuthorizationHandler<RoadScopeRequirement>
{
    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, RoadScopeRequirement requirement)
    {
        var scope = context.Resource is HttpContext request ? ScopeOf(request.Request.Path) : null;
        if (!context.User.IsInRole(Roles.Pending)
            && (context.User.HasClaim(PlatformClaims.Scope, Scopes.Everything) || (scope is not null && context.User.HasClaim(PlatformClaims.Scope, scope))))
        {
            context.Succeed(requirement);
        }

        return Task.CompletedTask;
    }

    // A road that is not listed needs every scope.
    internal static string? ScopeOf(PathString path) => Roads.Of(path) switch
    {
        Road.OpenAi or Road.Anthropic or Road.Ollama => Scopes.Inference,
        _ when path.StartsWithSegments("/api/v1/chat") => Scopes.Inference,
        _ when path.StartsWithSegments("/api/v1/inference") || path.StartsWithSegments("/api/v1/explore") => Scopes.Models,
        _ when path.StartsWithSegments("/api/v1/admin") || path.StartsWithSegments("/api/v1/auth/users") || path.StartsWithSegments("/metrics") => Scopes.Admin,
        _ => null,
    };
}
