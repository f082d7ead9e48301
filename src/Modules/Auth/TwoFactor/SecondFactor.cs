using System.Security.Cryptography;
using LlmPlatform.SharedKernel;
using Marten;
using OtpNet;

namespace LlmPlatform.Auth.TwoFactor;

/// <summary>What became of a code.</summary>
public enum CodeCheck
{
    /// <summary>The person has no second factor.</summary>
    NotNeeded,

    /// <summary>There has to be one, and there was none.</summary>
    Missing,

    Wrong,

    /// <summary>It was right and is used up, in the transaction of the session.</summary>
    Right,
}

/// <summary>Time-based codes (RFC 6238: SHA-1, six digits, 30 seconds, as every authenticator app has them) and backup codes for when the app is lost.</summary>
public sealed class SecondFactor(SubjectVault vault, MasterKey master)
{
    private const int SecretBytes = 20;
    private const int BackupCodes = 10;
    private const int BackupCodeLength = 10;
    private const string BackupAlphabet = "abcdefghjkmnpqrstuvwxyz23456789"; // nothing that is read as something else

    // Clocks differ, and people take a while to type.
    private static readonly VerificationWindow Skew = new(previous: 1, future: 1);

    /// <summary>Checks a code and uses it up. One code signs in once, however many bring it at a time.</summary>
    public async Task<CodeCheck> CheckAsync(IDocumentSession session, Guid userId, string? code, DateTimeOffset now, CancellationToken cancellation)
    {
        if (await SecondFactors.FindAsync(session, userId, cancellation) is not { IsOn: true } factor)
        {
            return CodeCheck.NotNeeded;
        }

        if (string.IsNullOrWhiteSpace(code))
        {
            return CodeCheck.Missing;
        }

        var typed = Canonical(code);
        var isUsed = await StepOfAsync(userId, factor, typed, now, cancellation) is { } step
            ? await SecondFactors.UseStepAsync(session, userId, step, cancellation)
            : await SecondFactors.UseBackupCodeAsync(session, userId, IndexOf(userId, typed), cancellation);
        return isUsed ? CodeCheck.Right : CodeCheck.Wrong;
    }

    /// <summary>Turns the factor on where the code is right, and gives the backup codes; null where it is wrong.</summary>
    public async Task<IReadOnlyList<string>?> ConfirmAsync(IDocumentSession session, Guid userId, string code, DateTimeOffset now, CancellationToken cancellation)
    {
        if (await SecondFactors.FindAsync(session, userId, cancellation) is not { IsOn: false } factor || await StepOfAsync(userId, factor, Canonical(code), now, cancellation) is not { } step)
        {
            return null;
        }

        string[] codes = [.. Enumerable.Range(0, BackupCodes).Select(_ => RandomNumberGenerator.GetString(BackupAlphabet, BackupCodeLength))];
        return await SecondFactors.ConfirmAsync(session, userId, step, codes.Select(c => IndexOf(userId, c)), now, cancellation)
            ? [.. codes.Select(c => $"{c[..(BackupCodeLength / 2)]}-{c[(BackupCodeLength / 2)..]}")]
            : null;
    }

    /// <summary>A new secret in Base32, as authenticator apps take it.</summary>
    public static string CreateSecret() => Base32Encoding.ToString(KeyGeneration.GenerateRandomKey(SecretBytes));

    private async Task<long?> StepOfAsync(Guid userId, StoredFactor factor, string code, DateTimeOffset now, CancellationToken cancellation)
    {
        if (code.Length != 6 || !code.All(char.IsAsciiDigit) || await vault.OpenAsync(userId, factor.SealedSecret, cancellation) is not { } secret)
        {
            return null;
        }

        return new Totp(Base32Encoding.ToBytes(secret)).VerifyTotp(now.UtcDateTime, code, out var step, Skew) ? step : null;
    }

    // Keyed, because the codes are short enough to be tried out by whoever has the database alone.
    private string IndexOf(Guid userId, string code) => master.BlindIndex("backup_code", $"{userId} {code}");

    private static string Canonical(string code) => new([.. code.Where(char.IsAsciiLetterOrDigit).Select(char.ToLowerInvariant)]);
}
