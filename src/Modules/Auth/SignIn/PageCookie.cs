using Microsoft.AspNetCore.Http;

namespace LlmPlatform.Auth.SignIn;

/// <summary>
/// The cookie of a session in a browser. Over https its name begins with <c>__Host-</c>, which browsers take from this very host and over https only;
/// plain http, as in a home network, allows no such name.
/// </summary>
internal static class PageCookie
{
    private const string Name = "llmp";

    /// <summary>The secret that a browser sent, or null.</summary>
    public static string? Read(HttpRequest request) => request.Cookies[NameFor(request)] is { Length: > 0 } secret ? secret : null;

    public static void Set(HttpContext context, string secret) => context.Response.Cookies.Append(NameFor(context.Request), secret, OptionsFor(context.Request));

    public static void Clear(HttpContext context) => context.Response.Cookies.Delete(NameFor(context.Request), OptionsFor(context.Request));

    private static string NameFor(HttpRequest request) => request.IsHttps ? $"__Host-{Name}" : Name;

    // No end of its own: a browser that is closed forgets it, and the server knows the rest.
    private static CookieOptions OptionsFor(HttpRequest request) => new() { HttpOnly = true, Secure = request.IsHttps, SameSite = SameSiteMode.Strict, Path = "/", IsEssential = true };
}
