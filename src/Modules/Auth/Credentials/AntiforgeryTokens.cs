using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace LlmPlatform.Auth.Credentials;

/// <summary>What a page of ours sends along with a change, and a page of another site cannot know.</summary>
/// <param name="Token">Belongs to whoever asked; another person's is refused.</param>
/// <param name="HeaderName">The header that it stands in.</param>
public sealed record AntiforgeryToken(string Token, string HeaderName);

internal static class AntiforgeryTokens
{
    private const string Header = "X-CSRF-TOKEN";

    public static void Configure(AntiforgeryOptions options)
    {
        options.HeaderName = Header;
        options.Cookie.Name = "llmp-csrf";
        options.Cookie.SameSite = SameSiteMode.Strict;
        options.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        options.SuppressXFrameOptionsHeader = true; // the content security policy says it, and says it stricter
    }

    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/api/v1/auth/antiforgery", Get)
        .RequireAuthorization()
        .WithSummary("The token that changes need where a cookie signs in")
        .WithTags("Sign-in")
        .Produces<AntiforgeryToken>();

    private static IResult Get(HttpContext context, IAntiforgery antiforgery) =>
        TypedResults.Ok(new AntiforgeryToken(antiforgery.GetAndStoreTokens(context).RequestToken!, Header));
}
