using Microsoft.AspNetCore.Routing;

namespace LlmPlatform.Auth.Setup;

/// <summary>The page behind the set-up link.</summary>
internal static class SetupPage
{
    public static void Map(IEndpointRouteBuilder routes) => new FormPage("SetupPage.html").Map(routes, "/setup", "The page that the set-up link opens", "Setup");
}
