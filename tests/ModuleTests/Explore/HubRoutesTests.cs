using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LlmPlatform.Host;
using LlmPlatform.ModuleTests.Support;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace LlmPlatform.ModuleTests.Explore;

/// <summary>A platform with a hub beside it.</summary>
public sealed class HubRoutesTests : IAsyncLifetime
{
    private readonly DirectoryInfo folder = TemporaryFolder.Create("llmp-explore-");
    private HubServer hub = null!;
    private Platform platform = null!;
    private HttpClient administrator = null!;

    public async ValueTask InitializeAsync()
    {
        hub = await HubServer.StartAsync();
        platform = await Platform.StartAsync(
            [.. PlatformFixture.Arguments(Path.Combine(folder.FullName, "data"), folder.FullName), $"--Hub:Endpoint={hub.Address}"], adjust: null, TestContext.Current.CancellationToken);
        using var nobody = Clients.At(platform.Address);
        var answer = await nobody.PostAsJsonAsync("/api/v1/auth/token", new { email = PlatformFixture.Email, password = PlatformFixture.Password });
        administrator = Clients.At(platform.Address, (await answer.JsonAsync()).Text("accessToken"));
    }

    [Fact]
    public async Task The_hub_is_searched_along_and_what_it_says_stays()
    {
        // Nothing is asked where nothing can come of it.
        foreach (var question in (string[])["", "query=a", "query=wombat&installed=true", "query=wombat&source=curated", "query=!!"])
        {
            Assert.Equal("ok", (await SearchAsync(question)).Text("hub"));
        }

        Assert.Empty(hub.Asked);

        // It does not answer in a way that can be read, and nobody minds.
        hub.Say("/api/models", "garbage");
        Assert.Equal("unreachable", (await SearchAsync("query=gibbon")).Text("hub"));

        // What it finds is a row from then on, with sizes that were worked out.
        hub.Say("/api/models", """
            [{"id":"Zoo/Wombat-8B-GGUF","downloads":12,"likes":3,"pipeline_tag":"text-generation","tags":["license:mit"],"siblings":[{"rfilename":"wombat-Q4_0.gguf"},{"rfilename":"wombat-Q8_0.gguf"}],"gguf":{"total":8000000000,"architecture":"llama","context_length":8192}},
             {"id":"qwen/qwen2.5-0.5b-instruct-gguf","downloads":1000,"siblings":[]}]
            """);
        var page = await SearchAsync("query=wombat");
        Assert.Equal("ok", page.Text("hub"));
        var wombat = Assert.Single(page.GetProperty("items").EnumerateArray());
        Assert.Equal(("hub:zoo/wombat-8b-gguf", "mit", 12), (wombat.Text("key"), wombat.Text("licence"), wombat.GetProperty("downloads").GetInt32()));
        Assert.True(wombat.GetProperty("smallestBytes").GetInt64() > 4_000_000_000);
        Assert.False(wombat.GetProperty("fit").GetProperty("isComplete").GetBoolean());

        // A model that is on the curated list is not listed twice, and is known to be popular.
        var qwen = (await SearchAsync("query=qwen2.5 0.5b instruct")).GetProperty("items")[0];
        Assert.Equal(("curated", 1000), (qwen.Text("source"), qwen.GetProperty("downloads").GetInt32()));

        // Others who type the same are answered without it.
        var before = hub.Count("/api/models");
        await SearchAsync("query=WOMBAT");
        Assert.Equal(before, hub.Count("/api/models"));

        // Its page asks for the real sizes, once.
        hub.Say("/api/models/Zoo/Wombat-8B-GGUF", """{"id":"Zoo/Wombat-8B-GGUF"}""");
        hub.Say("/api/models/Zoo/Wombat-8B-GGUF/tree/main", """[{"type":"file","path":"wombat-Q4_0.gguf","size":4242}]""");
        var detail = await administrator.GetJsonAsync("/api/v1/explore/models/hub:zoo/wombat-8b-gguf");
        Assert.Equal(4242, detail.GetProperty("variants")[0].GetProperty("variant").GetProperty("sizeBytes").GetInt64());
        Assert.Equal("hf://Zoo/Wombat-8B-GGUF/wombat-Q4_0.gguf", detail.GetProperty("variants")[0].Text("installSource"));
        hub.Answers.Clear();
        detail = await administrator.GetJsonAsync("/api/v1/explore/models/hub:zoo/wombat-8b-gguf");
        Assert.Equal(4242, detail.GetProperty("variants")[0].GetProperty("variant").GetProperty("sizeBytes").GetInt64());
    }

    [Fact]
    public async Task A_hub_that_takes_its_time_keeps_nobody_waiting()
    {
        var release = new TaskCompletionSource();
        hub.Answers["/api/models"] = async context =>
        {
            await release.Task;
            await context.Response.WriteAsync("""[{"id":"Zoo/Sloth-GGUF"}]""");
        };
        Assert.Equal("asking", (await SearchAsync("query=sloth")).Text("hub"));
        release.SetResult();
        await Eventually.Async(() => SearchAsync("query=sloth"), page => page.Text("hub") == "ok" && page.GetProperty("items")[0].Text("key") == "hub:zoo/sloth-gguf");
        Assert.Equal(1, hub.Count("/api/models"));
    }

    [Fact]
    public async Task Models_files_and_cards_are_passed_on_or_refused_with_a_reason()
    {
        await AssertRefusedAsync("/hub/models", 400, "param.required");
        await AssertRefusedAsync("/hub/models?query=%3F", 400, "param.required");
        await AssertRefusedAsync("/hub/models/..%2F..%2Fetc/passwd", 400, "hub.repository");
        await AssertRefusedAsync("/hub/models/none/such", 404, "hub.not_found");
        await AssertRefusedAsync("/hub/models/none/such/card", 404, "hub.not_found");
        hub.Say("/api/models", "[[]]");
        await AssertRefusedAsync("/hub/models?query=otter", 502, "hub.answer");
        hub.Refuse("/api/models/down/down", 500);
        await AssertRefusedAsync("/hub/models/down/down", 503, "hub.unreachable");

        hub.Say("/api/models", """[{"id":"Zoo/Otter-GGUF","siblings":[{"rfilename":"otter-Q4_0.gguf"}]}]""");
        var found = await administrator.GetJsonAsync("/api/v1/explore/hub/models?query=otters");
        Assert.Equal("hub:zoo/otter-gguf", Assert.Single(found.GetProperty("items").EnumerateArray()).Text("key"));
        hub.Say("/api/models/Zoo/Otter-GGUF", """{"id":"Zoo/Otter-GGUF"}""");
        hub.Say("/api/models/Zoo/Otter-GGUF/tree/main", """[{"type":"file","path":"otter-Q4_0.gguf","size":1000}]""");
        hub.Say("/Zoo/Otter-GGUF/raw/main/README.md", "# Otter");
        var model = await administrator.GetJsonAsync("/api/v1/explore/hub/models/Zoo/Otter-GGUF");
        Assert.Equal((false, "fits"), (model.GetProperty("stale").GetBoolean(), model.GetProperty("detail").GetProperty("variants")[0].GetProperty("fit").Text("verdict")));
        Assert.Equal("# Otter", (await administrator.GetJsonAsync("/api/v1/explore/hub/models/Zoo/Otter-GGUF/card")).Text("text"));
    }

    [Fact]
    public async Task A_model_that_was_installed_from_the_hub_is_found_as_both()
    {
        hub.Say("/api/models", """[{"id":"Zoo/Koala-GGUF","siblings":[{"rfilename":"koala-Q4_0.gguf"}]}]""");
        hub.Say("/api/models/Zoo/Koala-GGUF/tree/main", $$"""[{"type":"file","path":"koala-Q4_0.gguf","size":{{new FileInfo(TinyModel.Path).Length}}}]""");
        hub.Answers["/Zoo/Koala-GGUF/resolve/main/koala-Q4_0.gguf"] = context => context.Response.SendFileAsync(TinyModel.Path);
        await SearchAsync("query=koala");
        Assert.Equal("succeeded", (await administrator.InstallAsync("hf://Zoo/Koala-GGUF/koala-Q4_0.gguf", "my-koala")).Text("state"));
        var page = await Eventually.Async(() => SearchAsync("query=koala&installed=true"), found => found.GetProperty("items").GetArrayLength() == 2);
        Assert.Equal(["hub:zoo/koala-gguf", "installed:my-koala"], page.GetProperty("items").EnumerateArray().Select(item => item.Text("key")).Order());
        Assert.All(page.GetProperty("items").EnumerateArray(), item => Assert.Equal("""["my-koala"]""", item.GetProperty("installedNames").GetRawText()));
    }

    public async ValueTask DisposeAsync()
    {
        administrator.Dispose();
        await platform.DisposeAsync();
        await hub.DisposeAsync();
        folder.Delete(recursive: true);
    }

    private Task<JsonElement> SearchAsync(string question) => administrator.GetJsonAsync($"/api/v1/explore/models?{question}");

    private async Task AssertRefusedAsync(string path, int status, string code)
    {
        var answer = await administrator.GetAsync($"/api/v1/explore{path}");
        Assert.Equal((path, (HttpStatusCode)status, code), (path, answer.StatusCode, (await answer.JsonAsync()).Text("code")));
    }
}

/// <summary>A platform without a hub.</summary>
public sealed class HubOffTests(PlatformFixture platform)
{
    [Theory]
    [InlineData("/hub/models?query=a"), InlineData("/hub/models/a/b"), InlineData("/hub/models/a/b/card")]
    public async Task Its_routes_say_that_it_is_off(string path)
    {
        var answer = await platform.Administrator.GetAsync($"/api/v1/explore{path}");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "hub.off"), (answer.StatusCode, (await answer.JsonAsync()).Text("code")));
    }

    [Fact]
    public async Task A_search_says_so_too() => Assert.Equal("off", (await platform.Administrator.GetJsonAsync("/api/v1/explore/models?query=a")).Text("hub"));
}
