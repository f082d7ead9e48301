using Microsoft.Extensions.Configuration;

namespace LlmPlatform.SharedKernel.Outside;

/// <summary>Where the hub is, as an operator says with <c>Hub:Endpoint</c> and <c>Hub:Token</c>. An empty endpoint switches it off.</summary>
public sealed class HubAddress(IConfiguration configuration)
{
    private readonly Uri? endpoint = configuration["Hub:Endpoint"] is { } given ? given.Length == 0 ? null : new Uri(given) : new Uri("https://huggingface.co");

    public string? Token { get; } = configuration["Hub:Token"] is { Length: > 0 } token ? token : null;

    public bool IsOff => endpoint is null;

    /// <summary>An address of the hub; null where it is switched off.</summary>
    public Uri? Of(string path) => endpoint is null ? null : new Uri(endpoint, path);

    /// <summary>What the hub wants to see at one of its own addresses; nobody else does.</summary>
    public string? TokenFor(Uri address) =>
        endpoint is not null && Uri.Compare(endpoint, address, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0 ? Token : null;
}
