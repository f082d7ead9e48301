using System.Net;
using System.Net.Http.Json;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

public sealed class SavePresetTests(PlatformFixture platform)
{
    private const string Presets = "/api/v1/inference/presets/";

    public static TheoryData<string, object> OutOfRange => new()
    {
        { "sampling.temperature", new { @base = PlatformFixture.Model, sampling = new { temperature = 2.5 } } },
        { "sampling.topP", new { @base = PlatformFixture.Model, sampling = new { topP = 0 } } },
        { "maxTokens", new { @base = PlatformFixture.Model, maxTokens = 0 } },
        { "contextTokens", new { @base = PlatformFixture.Model, contextTokens = 1 } },
        { "keepAliveMinutes", new { @base = PlatformFixture.Model, keepAliveMinutes = -2 } },
        { "stop", new { @base = PlatformFixture.Model, stop = new[] { "" } } },
        { "base", new { @base = "" } },
    };

    [Theory, MemberData(nameof(OutOfRange))]
    public async Task A_value_out_of_range_is_refused_by_name(string field, object preset)
    {
        var answer = await platform.Administrator.PutAsJsonAsync(Presets + "out-of-range", preset);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains(field, (await answer.JsonAsync()).GetProperty("errors").EnumerateObject().Select(e => e.Name));
    }

    [Fact]
    public async Task Only_administrators_make_presets()
    {
        var user = await platform.UserAsync();
        Assert.Equal(HttpStatusCode.Forbidden, (await user.PutAsJsonAsync(Presets + "not-mine", new { @base = PlatformFixture.Model })).StatusCode);
    }

    [Fact]
    public async Task A_preset_needs_a_model_that_is_there_and_a_name_that_is_free()
    {
        await AssertRefusedAsync("homeless", new { @base = "nobody" }, HttpStatusCode.NotFound, "model.not_found");
        await AssertRefusedAsync(PlatformFixture.Model, new { @base = PlatformFixture.Model }, HttpStatusCode.Conflict, "model.name_taken");
        await AssertRefusedAsync("Not%20A%20Name", new { @base = PlatformFixture.Model }, HttpStatusCode.UnprocessableEntity, "model.name_invalid");
        await AssertRefusedAsync("endless", new { @base = PlatformFixture.Model, contextTokens = 1 << 27 }, HttpStatusCode.UnprocessableEntity, "model.context_too_long");
    }

    [Fact]
    public async Task Two_people_who_change_a_preset_at_once_do_not_undo_each_other()
    {
        await SaveAsync("contended-preset", new { @base = PlatformFixture.Model, description = "first" });
        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(i => platform.Administrator.PutAsJsonAsync(
            Presets + "contended-preset", new { @base = PlatformFixture.Model, description = $"{i}", expectedVersion = 1 })));
        Assert.Equal(1, answers.Count(a => a.StatusCode == HttpStatusCode.OK));
        Assert.Equal(4, answers.Count(a => a.StatusCode == HttpStatusCode.Conflict));
        await AssertRefusedAsync("contended-preset", new { @base = PlatformFixture.Model }, HttpStatusCode.Conflict, "preset.version_conflict");
        Assert.Equal(2, (await platform.Administrator.GetJsonAsync(Presets + "contended-preset")).GetProperty("version").GetInt32());
    }

    [Fact]
    public async Task A_presets_values_fill_what_a_request_leaves_open_and_no_more()
    {
        await SaveAsync("short-answers", new { @base = PlatformFixture.Model, maxTokens = 5, sampling = new { temperature = 0 } });
        var greedy = await CompleteAsync(new { model = PlatformFixture.Model, prompt = "Once", temperature = 0, max_tokens = 5 });
        Assert.Equal(greedy, await CompleteAsync(new { model = "short-answers", prompt = "Once" }));
        Assert.Equal((3, "length"), await CountAsync(new { model = "short-answers", prompt = "Once", max_tokens = 3 }));
        Assert.Equal((5, "length"), await CountAsync(new { model = "short-answers", prompt = "Once" }));
        Assert.Equal((16, "length"), await CountAsync(new { model = PlatformFixture.Model, prompt = "Once" }));
    }

    [Fact]
    public async Task Several_choices_of_a_preset_with_a_seed_differ()
    {
        await SaveAsync("seeded", new { @base = PlatformFixture.Model, sampling = new { temperature = 1.5, seed = 7 } });
        var answer = await platform.Administrator.PostAsJsonAsync("/v1/completions", new { model = "seeded", prompt = "Once", max_tokens = 40, n = 3, ignore_eos = true });
        Assert.Equal(3, (await answer.JsonAsync()).GetProperty("choices").EnumerateArray().Select(choice => choice.Text("text")).Distinct().Count());
    }

    [Fact]
    public async Task A_presets_system_prompt_stands_before_a_conversation_that_has_none()
    {
        await SaveAsync("with-prompt", new { @base = PlatformFixture.Model, systemPrompt = "You speak of cats and of nothing else." });
        var own = new { role = "system", content = "Dogs." };
        var question = new { role = "user", content = "Hello" };
        var plain = await TokensAsync(PlatformFixture.Model, question);
        Assert.Equal(await TokensAsync(PlatformFixture.Model, new { role = "system", content = "You speak of cats and of nothing else." }, question), await TokensAsync("with-prompt", question));
        Assert.NotEqual(plain, await TokensAsync("with-prompt", question));
        Assert.Equal(await TokensAsync(PlatformFixture.Model, own, question), await TokensAsync("with-prompt", own, question));
    }

    [Fact]
    public async Task A_presets_context_is_a_limit()
    {
        await SaveAsync("narrow-preset", new { @base = PlatformFixture.Model, contextTokens = 32 });
        var prompt = string.Concat(Enumerable.Repeat("Once upon a time. ", 20));
        var refused = await platform.Administrator.PostAsJsonAsync("/v1/completions", new { model = "narrow-preset", prompt, max_tokens = 1 });
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Equal("context_length_exceeded", (await refused.JsonAsync()).GetProperty("error").Text("code"));
        var (tokens, reason) = await CountAsync(new { model = "narrow-preset", prompt = "Once", max_tokens = 500, ignore_eos = true });
        Assert.InRange(tokens, 20, 31);
        Assert.Equal("length", reason);
    }

    [Fact]
    public async Task A_preset_is_listed_as_a_model_of_its_own_and_its_prompt_is_for_administrators()
    {
        await SaveAsync("listed-preset", new { @base = PlatformFixture.Model, description = "For everybody", systemPrompt = "secret words" });
        var user = await platform.UserAsync();
        Assert.Contains("listed-preset", await user.GetStringAsync("/v1/models"), StringComparison.Ordinal);
        var seen = await user.GetStringAsync(Presets + "listed-preset");
        Assert.Contains("For everybody", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("secret words", seen, StringComparison.Ordinal);
        Assert.DoesNotContain(PlatformFixture.Model, seen, StringComparison.Ordinal);
        Assert.Contains("secret words", await platform.Administrator.GetStringAsync(Presets + "listed-preset"), StringComparison.Ordinal);
        await Eventually.Async(() => platform.Administrator.GetStringAsync("/api/v1/admin/audit?target=model:listed-preset"), found => found.Contains("inference.preset_saved"));
        Assert.Equal(HttpStatusCode.NoContent, (await platform.Administrator.DeleteAsync(Presets + "listed-preset")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await user.GetAsync(Presets + "listed-preset")).StatusCode);
        Assert.DoesNotContain("listed-preset", await user.GetStringAsync("/v1/models"), StringComparison.Ordinal);
    }

    private async Task SaveAsync(string name, object preset)
    {
        var answer = await platform.Administrator.PutAsJsonAsync(Presets + name, preset);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    private async Task AssertRefusedAsync(string name, object preset, HttpStatusCode status, string code)
    {
        var answer = await platform.Administrator.PutAsJsonAsync(Presets + name, preset);
        Assert.Equal((status, code), (answer.StatusCode, (await answer.JsonAsync()).Text("code")));
    }

    private async Task<string> CompleteAsync(object request) =>
        (await (await platform.Administrator.PostAsJsonAsync("/v1/completions", request)).JsonAsync()).GetProperty("choices")[0].Text("text")!;

    private async Task<(int Tokens, string? Reason)> CountAsync(object request)
    {
        var answer = await (await platform.Administrator.PostAsJsonAsync("/v1/completions", request)).JsonAsync();
        return (answer.GetProperty("usage").GetProperty("completion_tokens").GetInt32(), answer.GetProperty("choices")[0].Text("finish_reason"));
    }

    private async Task<string> TokensAsync(string model, params object[] messages) =>
        (await (await platform.Administrator.PostAsJsonAsync("/v1/tokenize", new { model, messages })).JsonAsync()).GetProperty("tokens").GetRawText();
}
