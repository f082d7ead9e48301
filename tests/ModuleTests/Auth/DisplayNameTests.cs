using System.Net;
using System.Net.Http.Json;
using System.Text;
using CsCheck;
using LlmPlatform.Auth.Users;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

/// <summary>A34 and A35: names that look like somebody else's, and texts that are no names.</summary>
public sealed class DisplayNameTests(PlatformFixture platform)
{
    public static TheoryData<string, string> Lookalikes => new()
    {
        { "admin", "ADMIN" },
        { "admin", "ａｄｍｉｎ" }, // fullwidth
        { "admin", "аdmin" }, // the first letter is Cyrillic
        { "admin", "adm\u0131n" }, // without the dot
        { "Moderator", "Мoderator" }, // whose small letter is not like ours
        { "МОСКВА", "москва" },
        { "Bob", "B0b" },
        { "admin", "adrnin" },
        { "fin", "ﬁn" }, // one letter, a ligature
        { "Kelvin", "\u212Aelvin" }, // the sign of the unit
        { "alice", "aIice" }, // a capital i
        { "Zoe\u0308", "Zo\u00EB" },
        { "Anna  Maria", " Anna\u00A0Maria " },
        { "ΣΟΦΟΣ", "σοφος" },
    };

    [Theory, MemberData(nameof(Lookalikes))]
    public void Names_that_look_alike_share_a_skeleton(string name, string other) =>
        Assert.NotEmpty(DisplayName.Skeletons(DisplayName.Tidy(name)!).Intersect(DisplayName.Skeletons(DisplayName.Tidy(other)!)));

    [Theory, InlineData("Anna", "Anne"), InlineData("Zoe", "Zoë"), InlineData("Ada", "Ada 2"), InlineData("Li", "Lo"), InlineData("Mila", "Mala")]
    public void Names_that_do_not_look_alike_are_two(string name, string other) => Assert.Empty(DisplayName.Skeletons(name).Intersect(DisplayName.Skeletons(other)));

    [Theory]
    [InlineData(""), InlineData("   "), InlineData("a\nb"), InlineData("a\0b"), InlineData("adm\u200Bin"), InlineData("\u202Eadmin"), InlineData("ad\u034Fmin")]
    [InlineData("\u3164"), InlineData("a\uFE0F"), InlineData("a\uE000"), InlineData("a\u0378"), InlineData("a\uFFFE"), InlineData("..."), InlineData("a\uDB40\uDC41")]
    public void What_cannot_be_seen_or_is_no_text_is_no_name(string text) => Assert.Null(DisplayName.Tidy(text));

    [Fact]
    public void Half_a_surrogate_pair_is_no_name()
    {
        Assert.Null(DisplayName.Tidy("a\uD800"));
        Assert.Null(DisplayName.Tidy("\uDC00a"));
    }

    [Theory, InlineData("O’Brien-Smith, Jr."), InlineData("李小龍"), InlineData("मीरा"), InlineData("نور"), InlineData("Ada 🦉"), InlineData("한솔")]
    public void Names_of_all_the_world_are_names(string text) => Assert.Equal(text, DisplayName.Tidy(text));

    [Fact]
    public void Whatever_text_comes_it_is_refused_or_has_a_skeleton_that_is_its_own()
    {
        Gen.Char.Array[0, 40].Select(chars => new string(chars)).Sample(text =>
        {
            if (DisplayName.Tidy(text) is { } name)
            {
                var skeleton = DisplayName.Skeletons(name)[^1];
                Assert.Equal(skeleton, DisplayName.Skeletons(skeleton)[^1]);
                Assert.Equal(name, DisplayName.Tidy(name));
            }
        });
        for (var value = 0; value <= 0x10FFFF; value++)
        {
            if (Rune.IsValid(value) && DisplayName.Tidy(new Rune(value).ToString()) is { } letter)
            {
                DisplayName.Skeletons(letter); // comes to an end
            }
        }
    }

    [Fact]
    public async Task A_name_that_looks_like_one_that_is_taken_is_refused_and_is_free_again_when_its_owner_gives_it_up()
    {
        using var owner = await platform.UserAsync();
        Assert.Equal(HttpStatusCode.OK, (await RenameAsync(owner, "Moderator")).StatusCode);
        using var other = await platform.UserAsync();
        foreach (var lookalike in (string[])["moderator", "Мoderator", "ｍoderator", "M0derator", "rnoderator"])
        {
            await RefusedAsync(await RenameAsync(other, lookalike), HttpStatusCode.Conflict, "name.taken");
            var registered = await platform.Administrator.PostAsJsonAsync("/api/v1/auth/users", new { email = "lookalike@example.com", name = lookalike });
            await RefusedAsync(registered, HttpStatusCode.Conflict, "name.taken");
        }

        Assert.Equal(HttpStatusCode.OK, (await RenameAsync(owner, "MODERATOR")).StatusCode); // it is theirs
        Assert.Equal(HttpStatusCode.OK, (await RenameAsync(owner, "Former moderator")).StatusCode);
        Assert.Equal("Moderator", (await (await RenameAsync(other, " Moderator ")).JsonAsync()).Text("name"));
        await RefusedAsync(await RenameAsync(owner, "moderator"), HttpStatusCode.Conflict, "name.taken");
    }

    [Fact]
    public async Task Of_ten_who_ask_for_one_name_at_once_one_gets_it()
    {
        var people = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => platform.UserAsync()));
        var answers = await Task.WhenAll(people.Select(person => RenameAsync(person, "The only one")));
        Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.OK);
        Assert.Equal(9, answers.Count(answer => answer.StatusCode == HttpStatusCode.Conflict));
        Array.ForEach(people, person => person.Dispose());
    }

    [Theory, InlineData("\"adm\\u200Bin\"", "name.invalid"), InlineData("\"a\\u0000\"", "name.invalid"), InlineData("\"a\\uE000\"", "name.invalid")]
    public async Task A_text_that_is_no_name_is_the_senders_fault(string json, string code)
    {
        using var user = await platform.UserAsync();
        using var body = new StringContent($$"""{"name":{{json}}}""", Encoding.UTF8, "application/json");
        await RefusedAsync(await user.PatchAsync("/api/v1/auth/me", body), HttpStatusCode.BadRequest, code);
    }

    [Fact]
    public async Task Half_a_surrogate_pair_is_not_even_json()
    {
        using var user = await platform.UserAsync();
        using var body = new StringContent("""{"name":"a\uD800"}""", Encoding.UTF8, "application/json");
        Assert.Equal(HttpStatusCode.BadRequest, (await user.PatchAsync("/api/v1/auth/me", body)).StatusCode);
    }

    private static Task<HttpResponseMessage> RenameAsync(HttpClient person, string name) => person.PatchAsJsonAsync("/api/v1/auth/me", new { name });

    private static async Task RefusedAsync(HttpResponseMessage answer, HttpStatusCode status, string code) =>
        Assert.Equal((status, code), (answer.StatusCode, (await answer.JsonAsync()).Text("code")));
}
