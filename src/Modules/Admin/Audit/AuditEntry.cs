using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using LlmPlatform.Admin.Contracts;

namespace LlmPlatform.Admin.Audit;

/// <summary>
/// One link of the audit chain. Its hash covers the hash before it, and the key to make hashes lies outside the database: whoever can write
/// to the table can neither change, insert nor reorder an entry without the verification naming it.
/// </summary>
public sealed record AuditEntry(
    long Seq,
    Guid Id,
    Guid ActorId,
    string Action,
    string Target,
    DateTimeOffset At,
    string PrevHash,
    string Hash)
{
    public static readonly string NoHash = new('0', 64);

    /// <summary>Makes the link that follows <paramref name="last"/>.</summary>
    internal static AuditEntry After(AuditEntry? last, ActPerformed act, byte[] key)
    {
        // Postgres keeps microseconds; what it cannot keep must not be hashed.
        var at = act.At.ToUniversalTime();
        at = at.AddTicks(-(at.Ticks % TimeSpan.TicksPerMicrosecond));
        var entry = new AuditEntry((last?.Seq ?? 0) + 1, act.Id, act.ActorId, act.Action, act.Target, at, last?.Hash ?? NoHash, "");
        return entry with { Hash = entry.ComputeHash(key) };
    }

    /// <summary>Whether this is what was written after <paramref name="last"/>.</summary>
    internal bool Follows(AuditEntry? last, byte[] key) =>
        Seq == (last?.Seq ?? 0) + 1
        && PrevHash == (last?.Hash ?? NoHash)
        && Hash == ComputeHash(key);

    private string ComputeHash(byte[] key)
    {
        // An array of strings has one JSON form: no member order, no number format, no white space to choose.
        var canonical = JsonSerializer.SerializeToUtf8Bytes(
            new[]
            {
                Seq.ToString(CultureInfo.InvariantCulture),
                Id.ToString("D"),
                ActorId.ToString("D"),
                Action,
                Target,
                At.UtcDateTime.ToString("O", CultureInfo.InvariantCulture),
                PrevHash,
            });
        return Convert.ToHexStringLower(HMACSHA256.HashData(key, canonical));
    }
}
