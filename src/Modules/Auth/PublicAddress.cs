using Microsoft.Extensions.Configuration;

namespace LlmPlatform.Auth;

/// <summary>Writes absolute links. They begin with what an operator set, never with a header, which whoever sends a request makes up.</summary>
public sealed class PublicAddress(IConfiguration configuration)
{
    /// <summary>The address of a path that begins with a slash.</summary>
    public string Of(string path) => $"{Root()}{path}";

    // Names that mean "every address" cannot be typed into a browser.
    private string Root() =>
        (configuration["PublicUrl"] ?? (configuration["Urls"] ?? "http://127.0.0.1:8080").Split(';')[0].Trim())
        .Replace("//0.0.0.0", "//127.0.0.1", StringComparison.Ordinal)
        .Replace("//[::]", "//127.0.0.1", StringComparison.Ordinal)
        .Replace("//*", "//127.0.0.1", StringComparison.Ordinal)
        .Replace("//+", "//127.0.0.1", StringComparison.Ordinal)
        .TrimEnd('/');
}
