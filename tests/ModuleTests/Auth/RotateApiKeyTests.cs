using System.Net;
using System.Net.Http.Json;
using LlmPlatform.Auth.ApiKeys;
using LlmPlatform.ModuleTests.Support;
using LlmPlatform.SharedKernel;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

public sealed class RotateApiKeyTests(PlatformFixture platform)
{
    private static readonly DateTimeOffset Now = new(2026, 11, 27, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Both_secrets_work_in_the_grace_and_only_the_new_one_without()
    {
        using var user = await platform.UserAsync();
        var created = await (await user.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "turning" })).JsonAsync();
        var (id, first) = (created.Text("id"), created.Text("key"));
        var second = await RotateAsync(user, id, new { graceMinutes = 5 });
        await EventuallyAsync(second, HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(first));

        var third = await RotateAsync(user, id, new { graceMinutes = 0 });
        await EventuallyAsync(third, HttpStatusCode.OK);
        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized), (await StatusAsync(first), await StatusAsync(second)));
        Assert.Equal(HttpStatusCode.BadRequest, (await user.PostAsJsonAsync($"/api/v1/auth/api-keys/{id}/rotate", new { graceMinutes = 20_000 })).StatusCode);
    }

    [Fact]
    public void The_old_secret_ends_with_the_grace()
    {
        var key = ApiKey.Create(new ApiKeyCreated(default, default, "p", Secret.Hash("old"), "", [], [], null, Now))
            .Apply(new ApiKeyRotated(default, Secret.Hash("new"), Now.AddMinutes(5), Now));
        Assert.True(key.Fits("old", Now.AddMinutes(5).AddTicks(-1)));
        Assert.False(key.Fits("old", Now.AddMinutes(5)));
        Assert.True(key.Fits("new", Now.AddDays(1)));
        Assert.False(key.Fits("other", Now));
    }

    private static async Task<string?> RotateAsync(HttpClient user, string? id, object body) =>
        (await (await user.PostAsJsonAsync($"/api/v1/auth/api-keys/{id}/rotate", body)).JsonAsync()).Text("key");

    private Task EventuallyAsync(string? key, HttpStatusCode expected) => Eventually.Async(() => StatusAsync(key), status => status == expected);

    private async Task<HttpStatusCode> StatusAsync(string? key)
    {
        using var program = platform.NewClient(key);
        return (await program.GetAsync("/v1/models")).StatusCode;
    }
}
