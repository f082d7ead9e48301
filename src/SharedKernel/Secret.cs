using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace LlmPlatform.SharedKernel;

/// <summary>
/// Random secrets that programs hold: refresh tokens, API keys, links. 256 random bits cannot be guessed, so a plain SHA-256 is
/// enough to store; only passwords, which people choose, need a slow hash.
/// </summary>
public static class Secret
{
    /// <summary>Characters of a secret: 32 bytes in base64url.</summary>
    public const int Length = 43;

    public static string Create() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    public static byte[] Hash(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));

    public static bool Matches(string secret, byte[] hash) => CryptographicOperations.FixedTimeEquals(Hash(secret), hash);
}
