using System.Security.Cryptography;
using System.Text;

namespace LlmPlatform.SharedKernel;

/// <summary>
/// The one secret outside the database: 32 random bytes in a file of mode 0600. It wraps signing keys and each person's data key
/// (AES-256-GCM: 12 bytes nonce, ciphertext, 16 bytes tag), so a stolen database alone reveals neither.
/// </summary>
public sealed class MasterKey
{
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private readonly byte[] key;

    private MasterKey(byte[] key) => this.key = key;

    /// <summary>Reads the key file, or makes it at the first start.</summary>
    public static MasterKey LoadOrCreate(string path)
    {
        if (!File.Exists(path))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            var draft = path + ".new";
            File.WriteAllText(draft, Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(draft, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }

            File.Move(draft, path);
        }

        var key = Convert.FromBase64String(File.ReadAllText(path).Trim());
        return key.Length == 32 ? new MasterKey(key) : throw new InvalidDataException($"The master key file {path} does not hold 32 bytes in base64.");
    }

    public byte[] Wrap(ReadOnlySpan<byte> plain) => Seal(key, plain);

    public byte[] Unwrap(ReadOnlySpan<byte> wrapped) => Open(key, wrapped);

    /// <summary>A keyed digest for finding equal values, such as e-mail addresses, without storing them. Hexadecimal, 64 characters.</summary>
    public string BlindIndex(string purpose, string value) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{purpose}\0{value}")));

    /// <summary>A key for one purpose: whoever holds it learns nothing of the master key or of the keys for other purposes.</summary>
    public byte[] DeriveKey(string purpose) => HKDF.DeriveKey(HashAlgorithmName.SHA256, key, 32, info: Encoding.UTF8.GetBytes(purpose));

    internal static byte[] Seal(byte[] key, ReadOnlySpan<byte> plain)
    {
        var sealedBytes = new byte[NonceBytes + plain.Length + TagBytes];
        var nonce = sealedBytes.AsSpan(0, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(key, TagBytes);
        aes.Encrypt(nonce, plain, sealedBytes.AsSpan(NonceBytes, plain.Length), sealedBytes.AsSpan(NonceBytes + plain.Length));
        return sealedBytes;
    }

    internal static byte[] Open(byte[] key, ReadOnlySpan<byte> sealedBytes)
    {
        var length = sealedBytes.Length - NonceBytes - TagBytes;
        if (length < 0)
        {
            throw new CryptographicException("The sealed value is too short.");
        }

        var plain = new byte[length];
        using var aes = new AesGcm(key, TagBytes);
        aes.Decrypt(sealedBytes[..NonceBytes], sealedBytes.Slice(NonceBytes, length), sealedBytes[(NonceBytes + length)..], plain);
        return plain;
    }
}
