using System.Text.Encodings.Web;
using LlmPlatform.Auth.Oidc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace LlmPlatform.Auth.SignIn;

/// <summary>Where somebody signs in with a browser, and is then led to the page they wanted: one of ours, whatever the address says.</summary>
internal static class SignInPage
{
    public const string Path = "/sign-in";

    private const string Home = "/";

    public static void Map(IEndpointRouteBuilder routes)
    {
        var provider = routes.ServiceProvider.GetRequiredService<OidcSettings>() is { Authority: not null } settings
            ? $"<p class=\"or\">or</p><a class=\"other\" href=\"{OidcSetup.StartPath}\">Sign in with {HtmlEncoder.Default.Encode(settings.DisplayName)}</a>"
            : "";
        new FormPage("SignInPage.html").Map(routes, Path, "The page to sign in with a browser", "Sign-in", "{provider}", provider);
    }

    /// <summary>An address of ours, or the first page where it is none: browsers take <c>//</c> and <c>/\</c> for another host.</summary>
    public static string LocalOrHome(string? url) =>
        url is ['/', ..] and not (['/', '/', ..] or ['/', '\\', ..]) && !url.Any(char.IsControl) ? url : Home;
}
