using LlmPlatform.ModuleTests.Support;
using LlmPlatform.SharedKernel;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Xunit;

namespace LlmPlatform.ModuleTests.SharedKernel;

public sealed class SubjectDigestTests(PlatformFixture platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private SubjectVault Vault => platform.Platform.App.Services.GetRequiredService<SubjectVault>();

    [Fact]
    public async Task The_same_word_of_one_person_has_one_digest_and_that_of_another_person_a_different_one()
    {
        var (person, other) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var digest = (await Vault.DigestAsync(person, Cancellation))!;
        var again = (await Vault.DigestAsync(person, Cancellation))!;
        var foreign = (await Vault.DigestAsync(other, Cancellation))!;

        Assert.Equal((digest.Of("apple"), digest.TextOf("apple")), (again.Of("apple"), again.TextOf("apple")));
        Assert.NotEqual(digest.Of("apple"), digest.Of("apples"));
        Assert.NotEqual(digest.Of("apple"), foreign.Of("apple"));
        Assert.NotEqual(digest.TextOf("apple"), foreign.TextOf("apple"));
    }

    [Fact]
    public async Task A_tag_does_not_show_that_it_is_a_word_of_a_message()
    {
        var digest = (await Vault.DigestAsync(Guid.CreateVersion7(), Cancellation))!;
        Assert.False(digest.TextOf("apple").StartsWith(digest.Of("apple").ToString("x16", null), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Nobody_digests_words_of_somebody_who_was_erased()
    {
        var person = Guid.CreateVersion7();
        var database = platform.Platform.App.Services.GetRequiredService<NpgsqlDataSource>();
        await using var command = database.CreateCommand("insert into shared.subject_keys (subject, wrapped) values ($1, null)");
        command.Parameters.AddWithValue(person);
        await command.ExecuteNonQueryAsync(Cancellation);

        Assert.Null(await Vault.DigestAsync(person, Cancellation));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Vault.SealAsync(person, "text", Cancellation));
    }
}
