using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace LlmPlatform.Auth;

/// <summary>Pages that carry all they need in themselves: they work before anybody signed in, and nothing but their own script runs in them.</summary>
internal static class OwnPage
{
    public static string Read(string name)
    {
        using var reader = new StreamReader(typeof(OwnPage).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    /// <summary>Sends a page whose style and script elements bear the text <c>{nonce}</c>.</summary>
    public static IResult Answer(HttpResponse response, string page)
    {
        var nonce = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));
        response.Headers.ContentSecurityPolicy =
            $"default-src 'none'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'";
        response.Headers["Referrer-Policy"] = "no-referrer"; // an address may hold a token
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
        return Results.Content(page.Replace("{nonce}", nonce, StringComparison.Ordinal), "text/html; charset=utf-8");
    }
}
