using System.Security.Claims;
using System.Text.Encodings.Web;
using LlmPlatform.Auth.SignIn;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace LlmPlatform.Auth.Credentials;

/// <summary>
/// The one place where a credential becomes a principal, whichever header brings it: <c>Authorization: Bearer</c> with an access token or an
/// API key, <c>x-api-key</c> as Anthropic's clients send it, or a browser's cookie. The first that is there counts, right or wrong.
/// </summary>
internal sealed class CredentialHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, Credentials credentials)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string Name = "LlmPlatform";

    /// <summary>The authentication type of an identity that a cookie brought.</summary>
    public const string Cookie = "LlmPlatform.Cookie";

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (Presented() is { } text)
        {
            return Result(await credentials.ReadAsync(text, Context.Connection.RemoteIpAddress, Context.RequestAborted));
        }

        return PageCookie.Read(Request) is { } secret ? Result(await credentials.ReadCookieAsync(secret, Context.RequestAborted)) : AuthenticateResult.NoResult();
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        // Somebody who opens a page is shown where to sign in; a program is told.
        if (Presented() is null && IsPage())
        {
            Response.Redirect($"{SignInPage.Path}?returnUrl={Uri.EscapeDataString(Request.Path + Request.QueryString)}");
            return Task.CompletedTask;
        }

        Response.Headers.WWWAuthenticate = "Bearer";
        return Context.WriteErrorAsync(
            Presented() is not null ? new Error(401, "token.invalid", "This access token or API key is not valid: it is wrong, has expired or was revoked.")
            : PageCookie.Read(Request) is null ? new Error(401, "auth.required", "Sign in, or send an access token or API key.")
            : new Error(401, "session.ended", "Your session is over. Sign in again."));
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        Context.WriteErrorAsync(RoadScopeHandler.Covers(Context.User, Request.Path)
            ? new Error(403, "auth.forbidden", "Your role does not allow this.")
            : new Error(403, "scope.missing", $"Your key lacks the scope '{RoadScopeHandler.ScopeOf(Request.Path) ?? Scopes.Everything}'."));

    private static AuthenticateResult Result(ClaimsIdentity? identity) => identity is not null
        ? AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Name))
        : AuthenticateResult.Fail("The credential is not valid.");

    private bool IsPage() =>
        HttpMethods.IsGet(Request.Method)
        && Roads.Of(Request.Path) == Road.Platform
        && !Request.Path.StartsWithSegments("/api")
        && Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);

    private string? Presented()
    {
        if (Request.Headers.Authorization.ToString() is { Length: > 0 } header)
        {
            return header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? header["Bearer ".Length..].Trim() : header;
        }

        return Request.Headers["x-api-key"].ToString() is { Length: > 0 } key ? key : null;
    }
}

internal static class ByCookie
{
    /// <summary>Whether a browser's cookie brought this identity, and nothing that a program sends.</summary>
    public static bool IsByCookie(this ClaimsPrincipal principal) => principal.Identity?.AuthenticationType == CredentialHandler.Cookie;
}
