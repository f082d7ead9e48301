using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace LlmPlatform.Auth;

/// <summary>A page for people who are not signed in yet. It runs its own script and style and nothing else, and nothing else is loaded.</summary>
/// <param name="resource">The page. Its style and script elements bear the text <c>{nonce}</c>.</param>
internal sealed class FormPage(string resource)
{
    private readonly string page = Read(resource).Replace("{style}", Read("FormPage.css"), StringComparison.Ordinal);

    public void Map(IEndpointRouteBuilder routes, string path, string summary, string tag) => Map(routes, path, summary, tag, "", "");

    /// <summary>The same, with one text of the page replaced.</summary>
    public void Map(IEndpointRouteBuilder routes, string path, string summary, string tag, string mark, string text) => routes
        .MapGet(path, (HttpResponse response) => Answer(response, mark, text))
        .AllowAnonymous()
        .WithSummary(summary)
        .WithTags(tag)
        .Produces<string>(200, "text/html");

    public IResult Answer(HttpResponse response, string mark, string text)
    {
        var nonce = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));
        response.Headers.ContentSecurityPolicy =
            $"default-src 'none'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'";
        response.Headers["Referrer-Policy"] = "no-referrer"; // the address may hold a token
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
        var filled = mark.Length == 0 ? page : page.Replace(mark, text, StringComparison.Ordinal);
        return Results.Content(filled.Replace("{nonce}", nonce, StringComparison.Ordinal), "text/html; charset=utf-8");
    }

    private static string Read(string resource)
    {
        using var reader = new StreamReader(typeof(FormPage).Assembly.GetManifestResourceStream(resource)!);
        return reader.ReadToEnd();
    }
}
