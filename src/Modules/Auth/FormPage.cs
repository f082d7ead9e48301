using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace LlmPlatform.Auth;

/// <summary>A page with one form, for people who cannot sign in yet. It runs its own script and style and nothing else, and nothing else is loaded.</summary>
internal sealed class FormPage(string resource)
{
    private readonly string page = Read(resource).Replace("{style}", Read("FormPage.css"), StringComparison.Ordinal);

    public void Map(IEndpointRouteBuilder routes, string path, string summary, string tag) => routes.MapGet(path, Get)
        .AllowAnonymous()
        .WithSummary(summary)
        .WithTags(tag)
        .Produces<string>(200, "text/html");

    private IResult Get(HttpResponse response)
    {
        var nonce = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));
        response.Headers.ContentSecurityPolicy =
            $"default-src 'none'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'";
        response.Headers["Referrer-Policy"] = "no-referrer"; // the address holds the token
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
        return Results.Content(page.Replace("{nonce}", nonce, StringComparison.Ordinal), "text/html; charset=utf-8");
    }

    private static string Read(string resource)
    {
        using var reader = new StreamReader(typeof(FormPage).Assembly.GetManifestResourceStream(resource)!);
        return reader.ReadToEnd();
    }
}
