using System.Net;
using System.Net.Http.Json;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

public sealed class SetRightsTests(PlatformFixture platform)
{
    public static TheoryData<string, object> Roads => new()
    {
        { "/v1/completions", new { prompt = "a", max_tokens = 1 } },
        { "/v1/chat/completions", new { messages = new[] { new { role = "user", content = "a" } }, max_tokens = 1 } },
        { "/v1/chat/completions", new { messages = new[] { new { role = "user", content = "a" } }, max_tokens = 1, stream = true } },
        { "/v1/embeddings", new { input = "a" } },
        { "/v1/tokenize", new { prompt = "a" } },
        { "/v1/detokenize", new { tokens = new[] { 1 } } },
    };

    [Fact]
    public void Rights_let_in_by_role_person_or_group_and_nobody_else()
    {
        var (me, other) = (Guid.Parse("11111111-1111-1111-1111-111111111111"), Guid.Parse("22222222-2222-2222-2222-222222222222"));
        var user = new ModelUser(me, "user") { Groups = ["writers"] };
        Assert.True(ModelRights.ForEveryone.Allow(user));
        Assert.True(new ModelRights(false, ["user"], [], []).Allow(user));
        Assert.True(new ModelRights(false, [], [me], []).Allow(user));
        Assert.True(new ModelRights(false, [], [], ["writers"]).Allow(user));
        Assert.False(new ModelRights(false, ["pending"], [other], ["readers"]).Allow(user));
        Assert.False(new ModelRights(false, [], [], []).Allow(user));
    }

    [Theory, MemberData(nameof(Roads))]
    public async Task A_model_that_somebody_may_not_use_answers_like_one_that_does_not_exist(string road, object request)
    {
        await platform.Administrator.EnsureInstalledAsync(platform, "restricted");
        await SetAsync("restricted", new { everyone = false });
        (await platform.Administrator.PutAsJsonAsync("/api/v1/inference/aliases/restricted-alias", new { target = "restricted" })).EnsureSuccessStatusCode();
        var user = await platform.UserAsync();
        var missing = await AnswerAsync(user, road, request, "missing-model");
        Assert.Equal(404, missing.Status);
        Assert.Equal(missing, await AnswerAsync(user, road, request, "restricted"));
        Assert.Equal(missing, await AnswerAsync(user, road, request, "restricted-alias"));
        Assert.NotEqual(404, (await AnswerAsync(platform.Administrator, road, request, "restricted")).Status);
    }

    [Fact]
    public async Task A_model_that_somebody_may_not_use_is_in_no_list_and_cannot_be_shown()
    {
        await platform.Administrator.EnsureInstalledAsync(platform, "hidden");
        await SetAsync("hidden", new { everyone = false });
        var user = await platform.UserAsync();
        Assert.DoesNotContain("hidden", await user.GetStringAsync("/v1/models"), StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", await user.GetStringAsync("/api/v1/inference/models"), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await user.GetAsync("/api/v1/inference/models/hidden")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await user.GetAsync("/v1/models/hidden")).StatusCode);
        Assert.Contains("hidden", await platform.Administrator.GetStringAsync("/v1/models"), StringComparison.Ordinal);
        await Eventually.Async(() => user.GetStringAsync("/api/v1/explore/models?query=hidden"), found => !found.Contains("\"hidden\"", StringComparison.Ordinal));
        await Eventually.Async(() => platform.Administrator.GetStringAsync("/api/v1/explore/models?query=hidden"), found => found.Contains("\"hidden\"", StringComparison.Ordinal));

        await SetAsync("hidden", new { everyone = false, roles = new[] { "user" } });
        Assert.Contains("hidden", await user.GetStringAsync("/v1/models"), StringComparison.Ordinal);
        await Eventually.Async(() => user.GetStringAsync("/api/v1/explore/models?query=hidden"), found => found.Contains("\"hidden\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_preset_has_rights_of_its_own_and_begins_with_those_of_its_model()
    {
        await platform.Administrator.EnsureInstalledAsync(platform, "behind-preset");
        await SetAsync("behind-preset", new { everyone = false });
        (await platform.Administrator.PutAsJsonAsync("/api/v1/inference/presets/in-front", new { @base = "behind-preset" })).EnsureSuccessStatusCode();
        var user = await platform.UserAsync();
        var request = new { prompt = "a", max_tokens = 1 };
        Assert.Equal(404, (await AnswerAsync(user, "/v1/completions", request, "in-front")).Status);
        await SetAsync("in-front", new { everyone = true });
        Assert.Equal(200, (await AnswerAsync(user, "/v1/completions", request, "in-front")).Status);
        Assert.Equal(404, (await AnswerAsync(user, "/v1/completions", request, "behind-preset")).Status);
    }

    [Fact]
    public async Task Rights_are_set_by_administrators_for_roles_that_exist()
    {
        var user = await platform.UserAsync();
        Assert.Equal(HttpStatusCode.Forbidden, (await user.PutAsJsonAsync($"/api/v1/inference/models/{PlatformFixture.Model}/rights", new { everyone = true })).StatusCode);
        var wrong = await platform.Administrator.PutAsJsonAsync($"/api/v1/inference/models/{PlatformFixture.Model}/rights", new { everyone = false, roles = new[] { "emperor" } });
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await platform.Administrator.PutAsJsonAsync("/api/v1/inference/models/nobody/rights", new { everyone = true })).StatusCode);
    }

    private static async Task<(int Status, string Body)> AnswerAsync(HttpClient client, string road, object request, string model)
    {
        var body = System.Text.Json.JsonSerializer.SerializeToNode(request)!;
        body["model"] = model;
        var answer = await client.PostAsJsonAsync(road, body);
        return ((int)answer.StatusCode, (await answer.Content.ReadAsStringAsync()).Replace(model, "a model", StringComparison.Ordinal));
    }

    private async Task SetAsync(string name, object rights)
    {
        var answer = await platform.Administrator.PutAsJsonAsync($"/api/v1/inference/models/{name}/rights", rights);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }
}
