using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

public sealed class ConfigureModelTests(PlatformFixture platform)
{
    // Heads of 64, so that every type of cache is possible.
    private static readonly TinyShape Shape = new(2, 128, 192, 2, 1, 2048, 2000, TensorType.Q8_0);

    public static TheoryData<string, object> OutOfRange => new()
    {
        { "contextTokens", new { contextTokens = 0 } },
        { "contextTokens", new { contextTokens = int.MaxValue } },
        { "kvCacheType", new { kvCacheType = 7 } },
        { "keepAliveMinutes", new { keepAliveMinutes = -2 } },
        { "slots", new { slots = 65 } },
        { "threads", new { threads = 0 } },
    };

    [Fact]
    public async Task Only_administrators_configure_models()
    {
        var user = await platform.UserAsync();
        Assert.Equal(HttpStatusCode.Forbidden, (await PatchAsync(user, PlatformFixture.Model, new { slots = 1 })).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await PatchAsync(platform.Client, PlatformFixture.Model, new { slots = 1 })).StatusCode);
    }

    [Fact]
    public async Task A_model_that_is_not_there_cannot_be_configured() =>
        await AssertRefusedAsync("nobody", new { slots = 1 }, HttpStatusCode.NotFound, "model.not_found");

    [Theory, MemberData(nameof(OutOfRange))]
    public async Task A_number_out_of_range_is_refused_by_name(string field, object settings)
    {
        var problem = await AssertRefusedAsync(PlatformFixture.Model, settings, HttpStatusCode.BadRequest, "param.invalid");
        Assert.Contains(field, problem.GetProperty("errors").EnumerateObject().Select(e => e.Name));
    }

    [Fact]
    public async Task What_cannot_be_reset_is_told() =>
        await AssertRefusedAsync(PlatformFixture.Model, new { reset = new[] { "everything" } }, HttpStatusCode.BadRequest, "param.invalid");

    [Fact]
    public async Task A_context_beyond_the_training_is_refused()
    {
        await InstallAsync("short-context");
        await AssertRefusedAsync("short-context", new { contextTokens = 4096 }, HttpStatusCode.UnprocessableEntity, "model.context_too_long");
    }

    [Fact]
    public async Task A_cache_that_the_models_heads_do_not_fit_is_refused()
    {
        await InstallAsync("narrow", Shape with { Heads = 8, KvHeads = 8 }); // heads of 16
        await AssertRefusedAsync("narrow", new { kvCacheType = "q8_0" }, HttpStatusCode.UnprocessableEntity, "model.kv_cache_type");
    }

    [Fact]
    public async Task Settings_are_shown_audited_and_used_at_the_next_load()
    {
        await InstallAsync("configured");
        var before = await GetAsync("configured");
        Assert.Equal(2048, before.GetProperty("memory").GetProperty("contextTokens").GetInt32());

        var answer = await PatchAsync(platform.Administrator, "configured", new { contextTokens = 512, kvCacheType = "q8_0", keepAliveMinutes = -1, slots = 1, threads = 1 });
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);

        var after = await GetAsync("configured");
        Assert.Equal((await answer.JsonAsync()).GetProperty("settings").GetRawText(), after.GetProperty("settings").GetRawText());
        Assert.Equal("q8_0", after.GetProperty("settings").Text("kvCacheType"));
        // 2 layers, one head of 64 for keys and for values, 34 bytes for 32 numbers.
        Assert.Equal(512 * 2 * 2 * 64 * 34 / 32, after.GetProperty("memory").GetProperty("kvCacheBytes").GetInt64());
        await Eventually.Async(() => platform.Administrator.GetStringAsync("/api/v1/admin/audit?target=model:configured"), found => found.Contains("inference.model_configured"));

        var prompt = string.Concat(Enumerable.Repeat("Once upon a time. ", 100)); // 900 tokens
        var refused = await platform.Administrator.PostAsJsonAsync("/v1/completions", new { model = "configured", prompt, max_tokens = 1 });
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Contains("512", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("ready", (await GetAsync("configured")).Text("state"));
    }

    [Fact]
    public async Task What_is_left_out_stays_and_what_is_reset_is_the_platforms_choice_again()
    {
        await InstallAsync("kept");
        (await PatchAsync(platform.Administrator, "kept", new { contextTokens = 512, slots = 2 })).EnsureSuccessStatusCode();
        (await PatchAsync(platform.Administrator, "kept", new { slots = 3 })).EnsureSuccessStatusCode();
        Assert.Equal((512, 3), Numbers((await GetAsync("kept")).GetProperty("settings")));
        (await PatchAsync(platform.Administrator, "kept", new { reset = new[] { "contextTokens" } })).EnsureSuccessStatusCode();
        Assert.Equal((null, 3), Numbers((await GetAsync("kept")).GetProperty("settings")));
    }

    [Fact]
    public async Task Two_changes_at_once_are_both_kept()
    {
        await InstallAsync("two-changes");
        var answers = await Task.WhenAll(
            PatchAsync(platform.Administrator, "two-changes", new { contextTokens = 512 }), PatchAsync(platform.Administrator, "two-changes", new { slots = 2 }));
        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        Assert.Equal((512, 2), Numbers((await GetAsync("two-changes")).GetProperty("settings")));
    }

    [Fact]
    public async Task Who_takes_a_deleted_models_name_starts_afresh()
    {
        await InstallAsync("renewed");
        (await PatchAsync(platform.Administrator, "renewed", new { slots = 2 })).EnsureSuccessStatusCode();
        (await platform.Administrator.DeleteAsync("/api/v1/inference/models/renewed")).EnsureSuccessStatusCode();
        await InstallAsync("renewed");
        Assert.Equal((null, null), Numbers((await GetAsync("renewed")).GetProperty("settings")));
    }

    private static (int? Context, int? Slots) Numbers(JsonElement settings)
    {
        return (Number("contextTokens"), Number("slots"));

        int? Number(string name) => settings.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetInt32() : null;
    }

    private static Task<HttpResponseMessage> PatchAsync(HttpClient client, string name, object settings) =>
        client.PatchAsJsonAsync($"/api/v1/inference/models/{name}", settings);

    private Task<JsonElement> GetAsync(string name) => platform.Administrator.GetJsonAsync($"/api/v1/inference/models/{name}");

    private async Task<JsonElement> AssertRefusedAsync(string name, object settings, HttpStatusCode status, string code)
    {
        var answer = await PatchAsync(platform.Administrator, name, settings);
        Assert.Equal(status, answer.StatusCode);
        var problem = await answer.JsonAsync();
        Assert.Equal(code, problem.Text("code"));
        return problem;
    }

    private async Task InstallAsync(string name, TinyShape? shape = null)
    {
        var path = Path.Combine(platform.Imports, $"{name}-configure.gguf");
        await using (var file = File.Create(path))
        {
            TinyModel.Write(file, shape ?? Shape, seed: name.Length);
        }

        Assert.Equal("succeeded", (await platform.Administrator.InstallAsync($"file://{path}", name)).Text("state"));
    }
}
