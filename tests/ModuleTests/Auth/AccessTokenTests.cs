using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using LlmPlatform.ModuleTests.Support;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.Tokens;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

/// <summary>A21 to A26: tokens that tell their verifier what to do.</summary>
public sealed class AccessTokenTests(PlatformFixture platform)
{
    public static TheoryData<string> Forgeries => new(Forge.Keys);

    private static readonly Dictionary<string, Func<Parts, ECDsa, string>> Forge = new()
    {
        ["no algorithm"] = (token, _) => Unsigned(token with { Header = With(token.Header, "alg", "none") }),
        ["no algorithm, in capitals"] = (token, _) => Unsigned(token with { Header = With(token.Header, "alg", "None") }),
        ["an empty signature"] = (token, _) => Unsigned(token),
        ["somebody else's payload"] = (token, _) => Text(token with { Payload = With(token.Payload, "sub", Guid.CreateVersion7().ToString()) }),
        ["a symmetric signature with our public key as PEM"] = (token, key) => Hmac(token, Encoding.UTF8.GetBytes(key.ExportSubjectPublicKeyInfoPem())),
        ["a symmetric signature with our public key as DER"] = (token, key) => Hmac(token, key.ExportSubjectPublicKeyInfo()),
        ["a key id that is a path"] = (token, key) => Signed(token with { Header = With(token.Header, "kid", "../../../../dev/null") }, key),
        ["a key id that is SQL"] = (token, key) => Signed(token with { Header = With(token.Header, "kid", "' OR 1=1 --") }, key),
        ["a key id of 3 KB"] = (token, key) => Signed(token with { Header = With(token.Header, "kid", new string('k', 3000)) }, key),
        ["no key id"] = (token, key) => Signed(token with { Header = With(token.Header, "kid", null) }, key),
        ["a foreign key"] = (token, _) => Signed(token, ECDsa.Create(ECCurve.NamedCurves.nistP256)),
        ["another type"] = (token, key) => Signed(token with { Header = With(token.Header, "typ", "JWT") }, key),
        ["another audience"] = (token, key) => Signed(token with { Payload = With(token.Payload, "aud", "elsewhere") }, key),
        ["another issuer"] = (token, key) => Signed(token with { Payload = With(token.Payload, "iss", "elsewhere") }, key),
        ["a start in 61 seconds"] = (token, key) => Signed(token with { Payload = With(token.Payload, "nbf", Now() + 61) }, key),
        ["an end 31 seconds ago"] = (token, key) => Signed(token with { Payload = With(token.Payload, "exp", Now() - 31) }, key),
        ["no end"] = (token, key) => Signed(token with { Payload = With(token.Payload, "exp", null) }, key),
        ["a session that never was"] = (token, key) => Signed(token with { Payload = With(token.Payload, "sid", Guid.CreateVersion7().ToString()) }, key),
        ["white space"] = (token, key) => Signed(token, key).Insert(10, " "),
        ["two subjects"] = (token, key) => Signed(token, key, payload => payload.Insert(1, $"\"sub\":\"{Guid.CreateVersion7()}\",")),
        ["five parts, as an encrypted one has"] = (token, key) => $"{Signed(token, key)}.AAAA.AAAA",
    };

    [Theory, MemberData(nameof(Forgeries))]
    public async Task A_forged_token_opens_nothing(string forgery)
    {
        var (token, key) = await GenuineAsync();
        await RefusedAsync(Forge[forgery](token, key));
    }

    [Theory, InlineData("jwk"), InlineData("jku"), InlineData("x5u"), InlineData("x5c")]
    public async Task A_token_that_brings_its_own_key_opens_nothing_and_no_address_is_fetched(string header)
    {
        var visits = 0;
        await using var canary = await FileServer.StartAsync(context =>
        {
            Interlocked.Increment(ref visits);
            return context.Response.WriteAsync("{}");
        });
        var (token, _) = await GenuineAsync();
        using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        JsonNode value = header switch
        {
            "jwk" => JsonNode.Parse(System.Text.Json.JsonSerializer.Serialize(JsonWebKeyConverter.ConvertFromECDsaSecurityKey(new ECDsaSecurityKey(own))))!,
            "x5c" => new JsonArray(Convert.ToBase64String(own.ExportSubjectPublicKeyInfo())),
            _ => JsonValue.Create(canary.Address.ToString()),
        };
        await RefusedAsync(Signed(token with { Header = With(token.Header, header, value) }, own));
        Assert.Equal(0, visits);
    }

    [Fact]
    public async Task A_huge_token_is_turned_away_before_it_is_read()
    {
        using var client = platform.NewClient(new string('a', 40_000));
        Assert.Equal(HttpStatusCode.RequestHeaderFieldsTooLarge, (await client.GetAsync("/api/v1/auth/me")).StatusCode);
    }

    [Fact]
    public async Task The_same_hand_makes_a_token_that_works_when_nothing_is_forged()
    {
        var (token, key) = await GenuineAsync();
        using var client = platform.NewClient(Signed(token, key));
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/api/v1/auth/me")).StatusCode);
    }

    private async Task RefusedAsync(string token)
    {
        using var client = platform.NewClient();
        client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", $"Bearer {token}");
        var answer = await client.GetAsync("/api/v1/auth/me");
        Assert.Equal((HttpStatusCode.Unauthorized, "token.invalid"), (answer.StatusCode, (await answer.JsonAsync()).Text("code")));
    }

    private async Task<(Parts Token, ECDsa Key)> GenuineAsync()
    {
        var pair = await (await platform.Client.PostAsJsonAsync("/api/v1/auth/token", new { email = PlatformFixture.Email, password = PlatformFixture.Password })).JsonAsync();
        var parts = pair.Text("accessToken")!.Split('.');
        var key = await platform.Platform.App.Services.GetRequiredService<SigningKeys>().CurrentAsync(TestContext.Current.CancellationToken);
        return (new Parts(Read(parts[0]), Read(parts[1]), parts[2]), key.Key);
    }

    private static JsonObject Read(string part) => JsonNode.Parse(Base64UrlEncoder.DecodeBytes(part))!.AsObject();

    private static JsonObject With(JsonObject part, string name, JsonNode? value)
    {
        var changed = part.DeepClone().AsObject();
        changed.Remove(name);
        if (value is not null)
        {
            changed[name] = value;
        }

        return changed;
    }

    private static long Now() => TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();

    private static string Content(Parts token) => $"{Base64UrlEncoder.Encode(token.Header.ToJsonString())}.{Base64UrlEncoder.Encode(token.Payload.ToJsonString())}";

    private static string Text(Parts token) => $"{Content(token)}.{token.Signature}";

    private static string Unsigned(Parts token) => Text(token with { Signature = "" });

    private static string Signed(Parts token, ECDsa key) => Signed(token, key, payload => payload);

    private static string Signed(Parts token, ECDsa key, Func<string, string> change)
    {
        var content = $"{Base64UrlEncoder.Encode(token.Header.ToJsonString())}.{Base64UrlEncoder.Encode(change(token.Payload.ToJsonString()))}";
        return $"{content}.{Base64UrlEncoder.Encode(key.SignData(Encoding.ASCII.GetBytes(content), HashAlgorithmName.SHA256))}";
    }

    private static string Hmac(Parts token, byte[] key)
    {
        token = token with { Header = With(token.Header, "alg", "HS256") };
        return Text(token with { Signature = Base64UrlEncoder.Encode(HMACSHA256.HashData(key, Encoding.ASCII.GetBytes(Content(token)))) });
    }

    private sealed record Parts(JsonObject Header, JsonObject Payload, string Signature);
}
