using System.Buffers.Text;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Wolverine.Http;

namespace LlmPlatform.Auth.SignIn;

/// <summary>A set of public keys, RFC 7517.</summary>
public sealed record JsonWebKeys(IReadOnlyList<PublicKey> Keys);

/// <summary>One public key of ours, RFC 7517.</summary>
public sealed record PublicKey(string Kty, string Crv, string X, string Y, string Kid, string Use, string Alg);

public static class GetJwksEndpoint
{
    [WolverineGet("/.well-known/jwks.json", OperationId = "getJwks"), AllowAnonymous]
    [EndpointSummary("The keys that verify access tokens"), Tags("Sign-in")]
    public static async Task<JsonWebKeys> Get(SigningKeys keys, CancellationToken cancellation) =>
        new([.. (await keys.AllAsync(cancellation)).Select(PublicPart)]);

    private static PublicKey PublicPart(SigningKey key)
    {
        var point = key.Key.ExportParameters(includePrivateParameters: false).Q;
        return new PublicKey("EC", "P-256", Base64Url.EncodeToString(point.X), Base64Url.EncodeToString(point.Y), key.Id, "sig", "ES256");
    }
}
