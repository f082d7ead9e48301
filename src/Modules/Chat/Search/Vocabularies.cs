using LlmPlatform.SharedKernel;
using Microsoft.Extensions.Caching.Memory;
using Npgsql;

namespace LlmPlatform.Chat.Search;

/// <summary>
/// Opens the vocabularies of people who search, and keeps them for a while: to open a hundred thousand words takes longer than anybody waits between
/// two letters. What was added meanwhile is read each time.
/// </summary>
internal sealed class Vocabularies(NpgsqlDataSource database, SubjectVault vault) : IDisposable
{
    private const int MostWords = 2_000_000; // of all people together; about 100 MB
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(10);

    private const string Added = "select sealed_word, added_at from chat.search_words where owner_id = $1 and added_at > $2";

    private readonly MemoryCache known = new(new MemoryCacheOptions { SizeLimit = MostWords });

    public async Task<Vocabulary> OfAsync(Guid owner, CancellationToken cancellation)
    {
        var before = known.Get<Vocabulary>(owner) ?? Vocabulary.Empty;
        var (words, upTo) = (before.Words.ToBuilder(), before.UpTo);
        await using (var command = database.CreateCommand(Added))
        {
            command.Parameters.AddWithValue(owner);
            command.Parameters.AddWithValue(upTo);
            await using var row = await command.ExecuteReaderAsync(cancellation);
            while (await row.ReadAsync(cancellation))
            {
                if (await vault.OpenAsync(owner, row.GetString(0), cancellation) is { } word)
                {
                    words.Add(word);
                }

                upTo = row.GetFieldValue<DateTimeOffset>(1) is var at && at > upTo ? at : upTo;
            }
        }

        return upTo == before.UpTo ? before : Keep(owner, new Vocabulary(words.ToImmutable(), upTo));
    }

    public void Dispose() => known.Dispose();

    private Vocabulary Keep(Guid owner, Vocabulary vocabulary) =>
        known.Set(owner, vocabulary, new MemoryCacheEntryOptions { AbsoluteExpirationRelativeToNow = Kept, Size = vocabulary.Words.Count + 1 });
}
