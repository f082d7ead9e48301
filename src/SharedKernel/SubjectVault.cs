using System.Security.Cryptography;
using System.Text;
using Marten;
using Microsoft.Extensions.Caching.Memory;
using Npgsql;

namespace LlmPlatform.SharedKernel;

/// <summary>
/// Seals personal text with a key of the person it is about. Events are never rewritten, so erasing a person means destroying the key:
/// what was sealed with it can then be read by nobody, in any copy. A key is remembered for three seconds, after which no node has a destroyed one.
/// </summary>
public sealed class SubjectVault(NpgsqlDataSource database, MasterKey master) : IDisposable
{
    private static readonly MemoryCacheEntryOptions Remembered = new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromSeconds(3), Size = 1 };

    private readonly MemoryCache keys = new(new MemoryCacheOptions { SizeLimit = 50_000 });

    /// <summary>Seals a text; the first text of a person makes the person's key.</summary>
    public async ValueTask<string> SealAsync(Guid subject, string text, CancellationToken cancellation)
    {
        var key = await EnsureKeyAsync(subject, cancellation)
            ?? throw new InvalidOperationException($"The data key of subject {subject} was destroyed; nothing more can be recorded about it.");
        return Convert.ToBase64String(MasterKey.Seal(key, Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>Opens a sealed text, or gives null where the person was erased.</summary>
    public async ValueTask<string?> OpenAsync(Guid subject, string sealedText, CancellationToken cancellation) =>
        await KeyAsync(subject, cancellation) is { } key ? Encoding.UTF8.GetString(MasterKey.Open(key, Convert.FromBase64String(sealedText))) : null;

    /// <summary>Digests of a person's words, or null where the person was erased. As with a text, the first makes the person's key.</summary>
    public async ValueTask<SubjectDigest?> DigestAsync(Guid subject, CancellationToken cancellation) =>
        await EnsureKeyAsync(subject, cancellation) is { } key ? new SubjectDigest(key) : null;

    /// <summary>Destroys a person's key when the session is saved. The row stays, so that nobody makes a second key for an erased person.</summary>
    public static void Destroy(IDocumentSession session, Guid subject) => session.QueueSqlCommand(
        "insert into shared.subject_keys (subject, wrapped) values (?, null) on conflict (subject) do update set wrapped = null", subject);

    public void Dispose() => keys.Dispose();

    private async ValueTask<byte[]?> KeyAsync(Guid subject, CancellationToken cancellation)
    {
        if (keys.TryGetValue(subject, out byte[]? known))
        {
            return known;
        }

        await using var command = database.CreateCommand("select wrapped from shared.subject_keys where subject = $1");
        command.Parameters.AddWithValue(subject);
        return await command.ExecuteScalarAsync(cancellation) is byte[] wrapped ? keys.Set(subject, master.Unwrap(wrapped), Remembered) : null;
    }

    private async ValueTask<byte[]?> EnsureKeyAsync(Guid subject, CancellationToken cancellation) =>
        await KeyAsync(subject, cancellation) ?? await CreateAsync(subject, cancellation);

    private async Task<byte[]?> CreateAsync(Guid subject, CancellationToken cancellation)
    {
        // Two first texts may race: the row that is there first wins, and both read it back.
        await using var command = database.CreateCommand("insert into shared.subject_keys (subject, wrapped) values ($1, $2) on conflict (subject) do nothing");
        command.Parameters.AddWithValue(subject);
        command.Parameters.AddWithValue(master.Wrap(RandomNumberGenerator.GetBytes(32)));
        await command.ExecuteNonQueryAsync(cancellation);
        return await KeyAsync(subject, cancellation);
    }
}
