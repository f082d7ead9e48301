using Microsoft.AspNetCore.Routing;

namespace LlmPlatform.Auth.Links;

/// <summary>The page behind every one-time link. It uses the link up when its button is pressed, and not before: programs that read mails open links, too.</summary>
internal static class LinkPage
{
    public static void Map(IEndpointRouteBuilder routes) => new FormPage("LinkPage.html").Map(routes, OneTimeLinks.Page, "The page that one-time links open", "Sign-in");
}
