using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace LlmPlatform.Auth.Setup;

/// <summary>What the one-time link opens: a form in front of <see cref="CompleteSetup"/>. It needs nothing but itself, so it works before anything else does.</summary>
internal static class SetupPage
{
    private static readonly string Page = OwnPage.Read("SetupPage.html");

    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/setup", (HttpResponse response) => OwnPage.Answer(response, Page))
        .AllowAnonymous()
        .WithSummary("The page that the set-up link opens")
        .WithTags("Setup")
        .Produces<string>(200, "text/html");
}
