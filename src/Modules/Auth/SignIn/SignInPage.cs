using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace LlmPlatform.Auth.SignIn;

/// <summary>Where somebody signs in with a browser, and is then led to the page they wanted: one of ours, whatever the address says.</summary>
internal static class SignInPage
{
    public const string Path = "/sign-in";

    private static readonly string Page = OwnPage.Read("SignInPage.html");

    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet(Path, (HttpResponse response) => OwnPage.Answer(response, Page))
        .AllowAnonymous()
        .WithSummary("The page to sign in with a browser")
        .WithTags("Sign-in")
        .Produces<string>(200, "text/html");
}
