using System.Security.Claims;
using System.Text.Encodings.Web;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace LlmPlatform.Auth.Credentials;

/// <summary>
/// The one place where a credential becomes a principal, whichever header brings it: <c>Authorization: Bearer</c> with an access token or an
/// API key, or <c>x-api-key</c> as Anthropic's clients send it.
/// </summary>
internal sealed class CredentialHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, Credentials credentials)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string Name = "LlmPlatform";

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (Presented() is not { } text)
        {
            return AuthenticateResult.NoResult();
        }

        return await credentials.ReadAsync(text, Context.Connection.RemoteIpAddress, Context.RequestAborted) is { } identity
            ? AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Name))
            : AuthenticateResult.Fail("The credential is not valid.");
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = "Bearer";
        return Context.WriteErrorAsync(Presented() is null
            ? new Error(401, "auth.required", "Sign in, or send an access token or API key.")
            : new Error(401, "token.invalid", "This access token or API key is not valid: it is wrong, has expired or was revoked."));
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        Context.WriteErrorAsync(RoadScopeHandler.Covers(Context.User, Request.Path)
            ? new Error(403, "auth.forbidden", "Your role does not allow this.")
            : new Error(403, "scope.missing", $"Your key lacks the scope '{RoadScopeHandler.ScopeOf(Request.Path) ?? Scopes.Everything}'."));

    private string? Presented()
    {
        if (Request.Headers.Authorization.ToString() is { Length: > 0 } header)
        {
            return header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? header["Bearer ".Length..].Trim() : header;
        }

        return Request.Headers["x-api-key"].ToString() is { Length: > 0 } key ? key : null;
    }
}
