using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LlmPlatform.Inference;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Models;
using LlmPlatform.Inference.Workers;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

public sealed class LoadModelTests(PlatformFixture platform)
{
    [Fact]
    public async Task A_model_goes_from_installed_to_ready_and_back()
    {
        await platform.Administrator.EnsureInstalledAsync(platform, "loadable");
        Assert.Equal("installed", (await GetAsync("loadable")).Text("state"));
        Assert.Equal(HttpStatusCode.Accepted, (await PostAsync("loadable/load")).StatusCode);
        await StateAsync("loadable", "ready");
        Assert.Equal(HttpStatusCode.Accepted, (await PostAsync("loadable/unload")).StatusCode);
        await StateAsync("loadable", "installed");
        Assert.Equal(HttpStatusCode.NotFound, (await PostAsync("nobody/load")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await PostAsync("nobody/unload")).StatusCode);
    }

    [Fact]
    public async Task A_pinned_model_is_loaded_at_once_and_is_not_unloaded_until_it_is_unpinned()
    {
        await platform.Administrator.EnsureInstalledAsync(platform, "pinned");
        (await PatchAsync("pinned", new { pinned = true, keepAliveMinutes = 0 })).EnsureSuccessStatusCode();
        await StateAsync("pinned", "ready");
        var refused = await PostAsync("pinned/unload");
        Assert.Equal((HttpStatusCode.Conflict, "model.pinned"), (refused.StatusCode, (await refused.JsonAsync()).Text("code")));
        Assert.Equal(HttpStatusCode.OK, (await platform.Administrator.PostAsJsonAsync("/v1/completions", new { model = "pinned", prompt = "a", max_tokens = 1 })).StatusCode);
        Assert.Equal("ready", (await GetAsync("pinned")).Text("state")); // though it is kept alive for no time at all

        (await PatchAsync("pinned", new { pinned = false })).EnsureSuccessStatusCode();
        await Eventually.Async(() => PostAsync("pinned/unload"), answer => answer.StatusCode == HttpStatusCode.Accepted);
        await StateAsync("pinned", "installed");
    }

    [Fact]
    public async Task Commands_by_message_for_a_model_that_is_not_there_are_refused_by_message()
    {
        var services = platform.Platform.App.Services;
        var workers = services.GetRequiredService<WorkerPool>();
        await using var session = services.GetRequiredService<IInferenceStore>().QuerySession();
        var cancellation = TestContext.Current.CancellationToken;
        var load = await LoadModelHandler.Handle(new LoadModel(Guid.Empty, "nobody", Guid.Empty), session, workers, TimeProvider.System, cancellation);
        var unload = await UnloadModelHandler.Handle(new UnloadModel(Guid.Empty, "nobody", Guid.Empty), session, workers, TimeProvider.System, cancellation);
        Assert.All([load, unload], messages => Assert.Equal("model.not_found", Assert.IsType<ModelCommandRefused>(Assert.Single(messages)).Code));
    }

    [Fact]
    public async Task A_models_details_show_its_template_and_metadata_where_they_are_asked_for()
    {
        var plain = await GetAsync(PlatformFixture.Model);
        Assert.Equal(JsonValueKind.Null, plain.GetProperty("header").ValueKind);
        var whole = (await GetAsync($"{PlatformFixture.Model}?include=template,metadata")).GetProperty("header");
        Assert.Equal("llama", whole.GetProperty("metadata").Text("general.architecture"));
        Assert.True(whole.GetProperty("metadata").GetProperty("tokenizer.ggml.tokens").GetProperty("count").GetInt64() > 100);
        Assert.Equal(HttpStatusCode.BadRequest, (await platform.Administrator.GetAsync($"/api/v1/inference/models/{PlatformFixture.Model}?include=everything")).StatusCode);
    }

    private Task<JsonElement> GetAsync(string name) => platform.Administrator.GetJsonAsync($"/api/v1/inference/models/{name}");

    private Task<JsonElement> StateAsync(string name, string state) => Eventually.Async(() => GetAsync(name), model => model.Text("state") == state);

    private Task<HttpResponseMessage> PostAsync(string path) => platform.Administrator.PostAsync($"/api/v1/inference/models/{path}", null);

    private Task<HttpResponseMessage> PatchAsync(string name, object change) => platform.Administrator.PatchAsJsonAsync($"/api/v1/inference/models/{name}", change);
}
