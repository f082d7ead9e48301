using System.Net;
using System.Net.Http.Json;
using LlmPlatform.Auth.Users;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

/// <summary>A33: which passwords are taken, and that all of a password counts.</summary>
public sealed class PasswordTests(PlatformFixture platform)
{
    private int number;

    [Fact]
    public void The_list_of_common_passwords_is_long_enough() => Assert.True(CommonPasswords.Count >= 3000, $"{CommonPasswords.Count}");

    [Theory]
    [InlineData("seven77", "password.length"), InlineData("password", "password.common"), InlineData("PassWord1", "password.common"), InlineData("1234567890", "password.common")]
    [InlineData("Passwords.Person@Example.com", "password.personal"), InlineData("passwords.person", "password.personal"), InlineData("passwordS OWNER", "password.personal")]
    public async Task A_weak_password_is_refused_and_the_answer_says_why(string password, string code)
    {
        var answer = await platform.Administrator.PostAsJsonAsync(
            "/api/v1/auth/users", new { email = "passwords.person@example.com", name = "Passwords owner", password });
        Assert.Equal((HttpStatusCode.BadRequest, code), (answer.StatusCode, (await answer.JsonAsync()).Text("code")));
    }

    [Theory, InlineData(1025), InlineData(1_000_000)]
    public async Task A_password_of_more_than_1024_characters_is_refused(int length)
    {
        var password = new string('x', length - 1) + "y";
        var registered = await platform.Administrator.PostAsJsonAsync("/api/v1/auth/users", new { email = "long@example.com", name = "Long", password });
        Assert.Equal(HttpStatusCode.BadRequest, registered.StatusCode);
        var signedIn = await platform.Client.PostAsJsonAsync("/api/v1/auth/token", new { email = "long@example.com", password });
        Assert.Equal(HttpStatusCode.BadRequest, signedIn.StatusCode);
    }

    [Theory]
    [InlineData(90, "a", "b"), InlineData(1023, "a", "b"), InlineData(8, "", " "), InlineData(8, "🦉", "🦊")]
    public async Task The_last_character_of_a_password_counts(int length, string right, string wrong)
    {
        var start = string.Concat(Enumerable.Repeat("pq rst ", 1 + (length / 7)))[..length];
        var email = await RegisterAsync(start + right);
        Assert.Equal(HttpStatusCode.Unauthorized, await SignInAsync(email, start + wrong));
        Assert.Equal(HttpStatusCode.OK, await SignInAsync(email, start + right));
    }

    [Fact]
    public async Task Spaces_at_the_ends_belong_to_the_password()
    {
        var email = await RegisterAsync("  two words  ");
        Assert.Equal(HttpStatusCode.Unauthorized, await SignInAsync(email, "two words"));
        Assert.Equal(HttpStatusCode.OK, await SignInAsync(email, "  two words  "));
    }

    private async Task<string> RegisterAsync(string password)
    {
        var name = $"Password owner {Guid.CreateVersion7(TimeProvider.System.GetUtcNow()):n}{number++}";
        var email = $"{name.Replace(' ', '.')}@example.com";
        var answer = await platform.Administrator.PostAsJsonAsync("/api/v1/auth/users", new { email, name, password });
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return email;
    }

    private async Task<HttpStatusCode> SignInAsync(string email, string password) =>
        (await platform.Client.PostAsJsonAsync("/api/v1/auth/token", new { email, password })).StatusCode;
}
