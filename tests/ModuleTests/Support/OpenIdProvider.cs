using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.IdentityModel.Tokens;

namespace LlmPlatform.ModuleTests.Support;

/// <summary>A small OpenID provider on this machine: discovery, keys, the code flow with PKCE, codes that work once. A test bends what it says.</summary>
internal sealed class OpenIdProvider : IAsyncDisposable
{
    public const string ClientId = "the-platform";
    public const string ClientSecret = "a secret of two";

    private readonly Dictionary<string, (string Challenge, string? Nonce)> codes = [];
    private FileServer server = null!;

    /// <summary>What the provider says of whoever signs in there.</summary>
    public JsonObject Person { get; set; } = [];

    /// <summary>Changes the claims of the next id tokens.</summary>
    public Action<JsonObject>? Bend { get; set; }

    /// <summary>The key that the provider shows.</summary>
    public RSA Key { get; } = RSA.Create(2048);

    /// <summary>The key that it signs with; null for none at all.</summary>
    public RSA? Signs { get; set; }

    public string Issuer => server.Address.ToString().TrimEnd('/');

    public static async Task<OpenIdProvider> StartAsync()
    {
        var provider = new OpenIdProvider();
        provider.Signs = provider.Key;
        provider.server = await FileServer.StartAsync(provider.AnswerAsync);
        return provider;
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        Key.Dispose();
    }

    private Task AnswerAsync(HttpContext context) => context.Request.Path.Value switch
    {
        "/.well-known/openid-configuration" => context.Response.WriteAsJsonAsync(new
        {
            issuer = Issuer,
            authorization_endpoint = $"{Issuer}/authorize",
            token_endpoint = $"{Issuer}/token",
            jwks_uri = $"{Issuer}/keys",
            response_types_supported = new[] { "code" },
            id_token_signing_alg_values_supported = new[] { "RS256" },
        }),
        "/keys" => context.Response.WriteAsJsonAsync(new { keys = new[] { PublicKey() } }),
        "/authorize" => Authorize(context),
        "/token" => TokenAsync(context),
        _ => Task.FromResult(context.Response.StatusCode = 404),
    };

    private object PublicKey()
    {
        var parameters = Key.ExportParameters(includePrivateParameters: false);
        return new { kty = "RSA", use = "sig", kid = "1", alg = "RS256", n = Base64UrlEncoder.Encode(parameters.Modulus), e = Base64UrlEncoder.Encode(parameters.Exponent) };
    }

    private Task Authorize(HttpContext context)
    {
        var query = context.Request.Query;
        if (query["client_id"] != ClientId || query["code_challenge_method"] != "S256")
        {
            context.Response.StatusCode = 400;
            return Task.CompletedTask;
        }

        var code = Guid.CreateVersion7().ToString();
        codes[code] = (query["code_challenge"]!, query["nonce"]);
        context.Response.Redirect(QueryHelpers.AddQueryString(query["redirect_uri"]!, new Dictionary<string, string?> { ["code"] = code, ["state"] = query["state"] }));
        return Task.CompletedTask;
    }

    private async Task TokenAsync(HttpContext context)
    {
        var form = await context.Request.ReadFormAsync();
        var verifier = Base64UrlEncoder.Encode(SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(form["code_verifier"].ToString())));
        if (!codes.Remove(form["code"].ToString(), out var grant) || grant.Challenge != verifier || form["client_secret"] != ClientSecret)
        {
            context.Response.StatusCode = 400;
            await context.Response.WriteAsJsonAsync(new { error = "invalid_grant" });
            return;
        }

        await context.Response.WriteAsJsonAsync(new { access_token = "unused", token_type = "Bearer", expires_in = 60, id_token = IdToken(grant.Nonce) });
    }

    private string IdToken(string? nonce)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        var claims = Person.DeepClone().AsObject();
        (claims["iss"], claims["aud"], claims["nonce"], claims["iat"], claims["exp"]) = (Issuer, ClientId, nonce, now, now + 300);
        Bend?.Invoke(claims);
        var header = JsonSerializer.Serialize(new { alg = Signs is null ? "none" : "RS256", typ = "JWT", kid = "1" });
        var content = $"{Base64UrlEncoder.Encode(header)}.{Base64UrlEncoder.Encode(claims.ToJsonString())}";
        var signature = Signs?.SignData(System.Text.Encoding.ASCII.GetBytes(content), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return $"{content}.{(signature is null ? "" : Base64UrlEncoder.Encode(signature))}";
    }
}
