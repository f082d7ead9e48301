using System.Net;
using System.Net.Http.Json;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

public sealed class SetAliasTests(PlatformFixture platform)
{
    private const string Aliases = "/api/v1/inference/aliases/";

    [Fact]
    public async Task An_alias_needs_a_target_a_free_name_and_an_administrator()
    {
        var user = await platform.UserAsync();
        Assert.Equal(HttpStatusCode.Forbidden, (await user.PutAsJsonAsync(Aliases + "mine", new { target = PlatformFixture.Model })).StatusCode);
        await AssertRefusedAsync("lost", "nobody", HttpStatusCode.NotFound, "model.not_found");
        await AssertRefusedAsync(PlatformFixture.Model, PlatformFixture.Model, HttpStatusCode.Conflict, "model.name_taken");
        await AssertRefusedAsync("UPPER", PlatformFixture.Model, HttpStatusCode.UnprocessableEntity, "model.name_invalid");
        await SetAsync("of-model", PlatformFixture.Model);
        await AssertRefusedAsync("of-alias", "of-model", HttpStatusCode.UnprocessableEntity, "alias.of_alias");
    }

    [Fact]
    public async Task A_name_of_an_alias_cannot_be_installed()
    {
        await SetAsync("reserved-alias", PlatformFixture.Model);
        var answer = await platform.Administrator.PostAsJsonAsync(
            "/api/v1/inference/installs", new { source = $"file://{platform.Imports}/model.gguf", name = "reserved-alias" });
        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
    }

    [Fact]
    public async Task An_alias_answers_like_its_target_and_moves_with_the_next_request()
    {
        (await platform.Administrator.PutAsJsonAsync("/api/v1/inference/presets/moved-to", new { @base = PlatformFixture.Model, maxTokens = 2 })).EnsureSuccessStatusCode();
        await SetAsync("moving", PlatformFixture.Model);
        Assert.Equal(16, await CountAsync("moving"));
        await SetAsync("moving", "moved-to");
        Assert.Equal(2, await CountAsync("moving"));
        Assert.Contains("\"moving\"", await platform.Administrator.GetStringAsync("/v1/models"), StringComparison.Ordinal);
        Assert.Contains("moving", await platform.Administrator.GetStringAsync("/api/v1/inference/aliases"), StringComparison.Ordinal);

        Assert.Equal(HttpStatusCode.NoContent, (await platform.Administrator.DeleteAsync(Aliases + "moving")).StatusCode);
        var gone = await platform.Administrator.PostAsJsonAsync("/v1/completions", new { model = "moving", prompt = "a" });
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await platform.Administrator.DeleteAsync(Aliases + "moving")).StatusCode);
    }

    [Fact]
    public async Task A_key_for_a_model_opens_its_aliases_and_not_its_presets()
    {
        await SetAsync("key-alias", PlatformFixture.Model);
        (await platform.Administrator.PutAsJsonAsync("/api/v1/inference/presets/key-preset", new { @base = PlatformFixture.Model })).EnsureSuccessStatusCode();
        var made = await platform.Administrator.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "one model", models = new[] { PlatformFixture.Model } });
        using var client = platform.NewClient((await made.JsonAsync()).Text("key"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(client, "key-alias"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(client, "key-preset"));
        Assert.DoesNotContain("key-preset", await client.GetStringAsync("/v1/models"), StringComparison.Ordinal);
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, string model) =>
        (await client.PostAsJsonAsync("/v1/completions", new { model, prompt = "a", max_tokens = 1 })).StatusCode;

    private async Task<int> CountAsync(string model) =>
        (await (await platform.Administrator.PostAsJsonAsync("/v1/completions", new { model, prompt = "Once", ignore_eos = true })).JsonAsync())
            .GetProperty("usage").GetProperty("completion_tokens").GetInt32();

    private async Task SetAsync(string alias, string target)
    {
        var answer = await platform.Administrator.PutAsJsonAsync(Aliases + alias, new { target });
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    private async Task AssertRefusedAsync(string alias, string target, HttpStatusCode status, string code)
    {
        var answer = await platform.Administrator.PutAsJsonAsync(Aliases + alias, new { target });
        Assert.Equal((status, code), (answer.StatusCode, (await answer.JsonAsync()).Text("code")));
    }
}
