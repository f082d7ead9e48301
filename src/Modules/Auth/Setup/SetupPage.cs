using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace LlmPlatform.Auth.Setup;

/// <summary>What the one-time link opens: a form in front of <see cref="CompleteSetup"/>. It needs nothing but itself, so it works before anything else does.</summary>
internal static class SetupPage
{
    private static readonly string Page = Read();

    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/setup", Get)
        .AllowAnonymous()
        .WithSummary("The page that the set-up link opens")
        .WithTags("Setup")
        .Produces<string>(200, "text/html");

    private static IResult Get(HttpResponse response)
    {
        var nonce = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));
        response.Headers.ContentSecurityPolicy =
            $"default-src 'none'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'";
        response.Headers["Referrer-Policy"] = "no-referrer"; // the address holds the token
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
        return Results.Content(Page.Replace("{nonce}", nonce, StringComparison.Ordinal), "text/html; charset=utf-8");
    }

    private static string Read()
    {
        using var reader = new StreamReader(typeof(SetupPage).Assembly.GetManifestResourceStream("SetupPage.html")!);
        return reader.ReadToEnd();
    }
}
