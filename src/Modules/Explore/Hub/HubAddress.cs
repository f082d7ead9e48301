using Microsoft.Extensions.Configuration;

namespace LlmPlatform.Explore.Hub;

/// <summary>Where the hub is, as an operator says with <c>Hub:Endpoint</c> and <c>Hub:Token</c>. An empty endpoint switches it off.</summary>
internal sealed class HubAddress(IConfiguration configuration)
{
    private readonly Uri? endpoint = configuration["Hub:Endpoint"] is { } given ? given.Length == 0 ? null : new Uri(given) : new Uri("https://huggingface.co");

    public string? Token { get; } = configuration["Hub:Token"] is { Length: > 0 } token ? token : null;

    public bool IsOff => endpoint is null;

    /// <exception cref="HubException"><c>hub.off</c>.</exception>
    public Uri Of(string path) => endpoint is null ? throw HubException.Off() : new Uri(endpoint, path);
}
