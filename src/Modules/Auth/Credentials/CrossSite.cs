using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace LlmPlatform.Auth.Credentials;

/// <summary>
/// A browser sends our cookie, or reaches an address inside the house, for any site that its owner happens to visit. So a change that brings no credential
/// of its own in a header has to come from a page of ours, and where a cookie signs in it also has to bring the token that only our pages can read.
/// </summary>
internal sealed class CrossSite(RequestDelegate next, IAntiforgery antiforgery, IConfiguration configuration)
{
    private static readonly PathString Circuits = "/_blazor";
    private readonly Uri? publicUrl = configuration["PublicUrl"] is { Length: > 0 } address ? new Uri(address) : null;

    public async Task InvokeAsync(HttpContext context)
    {
        var request = context.Request;
        var changes = !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method) && !HttpMethods.IsOptions(request.Method) && !HttpMethods.IsTrace(request.Method);
        if ((IsConnection(request) || (changes && !HasOwnCredential(request))) && IsForeign(request))
        {
            await context.WriteErrorAsync(new Error(403, "origin.not_allowed", "This request comes from a page of another site."));
            return;
        }

        var needsToken = changes && context.User.IsByCookie() && context.GetEndpoint()?.Metadata.GetMetadata<IAntiforgeryMetadata>() is not { RequiresValidation: false };
        if (needsToken && !await antiforgery.IsRequestValidAsync(context))
        {
            await context.WriteErrorAsync(new Error(400, "antiforgery.invalid", "Get a token from /api/v1/auth/antiforgery and send it in the header X-CSRF-TOKEN."));
            return;
        }

        await next(context);
    }

    // Once it stands, a connection is asked nothing more, and the rules that keep sites from reading each other's answers do not bind it.
    private static bool IsConnection(HttpRequest request) =>
        request.Headers.SecWebSocketVersion.Count > 0 || request.Headers.SecWebSocketKey.Count > 0
        || request.Headers.Upgrade.ToString().Contains("websocket", StringComparison.OrdinalIgnoreCase)
        || request.Path.StartsWithSegments(Circuits);

    private static bool HasOwnCredential(HttpRequest request) => request.Headers.Authorization.ToString().Length > 0 || request.Headers["x-api-key"].ToString().Length > 0;

    private bool IsForeign(HttpRequest request)
    {
        if (request.Headers["Sec-Fetch-Site"] == "cross-site")
        {
            return true;
        }

        return request.Headers.Origin is [{ Length: > 0 } text, ..]
            && !(Uri.TryCreate(text, UriKind.Absolute, out var origin) && (IsOurs(origin, request) || IsPublic(origin)));
    }

    // A proxy may have taken the encryption off, so plain http says nothing about what the browser speaks; https does.
    private static bool IsOurs(Uri origin, HttpRequest request) =>
        origin.Scheme is "https" or "http"
        && (origin.Scheme == "https" || !request.IsHttps)
        && origin.Host.Equals(request.Host.Host, StringComparison.OrdinalIgnoreCase)
        && origin.Port == (request.Host.Port ?? (origin.Scheme == "https" ? 443 : 80));

    private bool IsPublic(Uri origin) => publicUrl is not null && Uri.Compare(publicUrl, origin, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0;
}
