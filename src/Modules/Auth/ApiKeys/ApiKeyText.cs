using System.Security.Cryptography;

namespace LlmPlatform.Auth.ApiKeys;

/// <summary>How a key is written: <c>llmp_</c>, eight characters to find it by, <c>_</c>, 256 random bits in base64url.</summary>
internal sealed record ApiKeyText(string Prefix, string Secret)
{
    public const string Marker = "llmp_";

    private const int PrefixLength = 8;
    private const string PrefixAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789";

    public static ApiKeyText Create() => new(RandomNumberGenerator.GetString(PrefixAlphabet, PrefixLength), SharedKernel.Secret.Create());

    /// <summary>The parts of a key, or null where the text is none.</summary>
    public static ApiKeyText? Parse(string text) =>
        text.Length == Marker.Length + PrefixLength + 1 + SharedKernel.Secret.Length
        && text.StartsWith(Marker, StringComparison.Ordinal)
        && text[Marker.Length + PrefixLength] == '_'
            ? new ApiKeyText(text.Substring(Marker.Length, PrefixLength), text[^SharedKernel.Secret.Length..])
            : null;

    public override string ToString() => $"{Marker}{Prefix}_{Secret}";
}
