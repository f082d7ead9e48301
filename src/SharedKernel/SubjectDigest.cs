using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace LlmPlatform.SharedKernel;

/// <summary>
/// Digests of a person's words. What is equal can be found without being stored, and equal words of different people have nothing in common. The key
/// comes from the person's own, so that once it is destroyed nobody can try words until one fits.
/// </summary>
public sealed class SubjectDigest
{
    private const int TextBytes = 16;
    private static readonly byte[] Purpose = "subject digest"u8.ToArray();

    private readonly byte[] key;

    internal SubjectDigest(byte[] subjectKey) => key = HKDF.DeriveKey(HashAlgorithmName.SHA256, subjectKey, 32, info: Purpose);

    /// <summary>For an index of words: so many words differ in 64 bits, and two that do not are one false match.</summary>
    public long Of(string word) => BinaryPrimitives.ReadInt64BigEndian(Hash("word", word));

    /// <summary>For what must not be mistaken for anything else. Hexadecimal, 32 characters.</summary>
    public string TextOf(string text) => Convert.ToHexStringLower(Hash("text", text).AsSpan(0, TextBytes));

    private byte[] Hash(string kind, string value) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{kind}\0{value}"));
}
