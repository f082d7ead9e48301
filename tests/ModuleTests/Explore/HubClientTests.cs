using System.Net;
using LlmPlatform.Explore.Catalogue;
using LlmPlatform.Explore.Hub;
using LlmPlatform.ModuleTests.Support;
using LlmPlatform.SharedKernel.Outside;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LlmPlatform.ModuleTests.Explore;

/// <summary>What the hub may say, and what is made of it. Nothing of it is believed.</summary>
public sealed class HubClientTests : IAsyncLifetime
{
    private const string Models = "/api/models";
    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 6, 1, 0, 0, 0, TimeSpan.Zero));
    private HubServer hub = null!;
    private GuardedHttp http = null!;
    private HubClient client = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        hub = await HubServer.StartAsync();
        http = new GuardedHttp(new AddressGuard([IPNetwork.Parse("127.0.0.1/32")]), TimeProvider.System);
        client = new HubClient(http, Address(hub.Address.ToString()), time);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("<html>down</html>")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("""[{"id":1}]""")]
    [InlineData("""[{"id":"a/b","downloads":"many"}]""")]
    [InlineData("""[{"id":"a/b","downloads":1e400}]""")]
    [InlineData("""[{"id":"a/b","tags":{}}]""")]
    [InlineData("""[{"id":"a/b","siblings":["a.gguf"]}]""")]
    [InlineData("""[{"id":"a/b","lastModified":"yesterday"}]""")]
    public async Task An_answer_of_the_wrong_form_is_none(string body)
    {
        hub.Say(Models, body);
        Assert.Equal((502, "hub.answer"), await FailureAsync(() => client.SearchAsync("x", Cancellation)));
    }

    [Fact]
    public async Task An_answer_that_is_too_large_or_nested_too_deep_is_none()
    {
        hub.Answers[Models] = async context =>
        {
            for (var i = 0; i < 200 && !context.RequestAborted.IsCancellationRequested; i++)
            {
                await context.Response.WriteAsync(new string(' ', 10_000));
            }
        };
        Assert.Equal((502, "hub.answer"), await FailureAsync(() => client.SearchAsync("x", Cancellation)));
        hub.Say(Models, new string('[', 100_000));
        Assert.Equal((502, "hub.answer"), await FailureAsync(() => client.SearchAsync("x", Cancellation)));
    }

    [Theory]
    [InlineData("http://169.254.169.254/latest")]
    [InlineData("http://10.0.0.1/")]
    [InlineData("http://127.0.0.2/")] // not even another of this machine's own addresses
    [InlineData("file:///etc/passwd")]
    public async Task A_redirect_to_a_closed_address_is_not_followed(string target)
    {
        hub.Answers[Models] = context =>
        {
            context.Response.Redirect(target);
            return Task.CompletedTask;
        };
        Assert.Equal((503, "hub.unreachable"), await FailureAsync(() => client.SearchAsync("x", Cancellation)));
    }

    [Theory]
    [InlineData(401, 404, "hub.not_found")]
    [InlineData(403, 404, "hub.not_found")]
    [InlineData(404, 404, "hub.not_found")]
    [InlineData(400, 502, "hub.answer")]
    [InlineData(500, 503, "hub.unreachable")]
    [InlineData(503, 503, "hub.unreachable")]
    public async Task A_refusal_has_a_code(int status, int ours, string code)
    {
        hub.Refuse("/api/models/a/b", status);
        Assert.Equal((ours, code), await FailureAsync(() => client.ModelAsync("a/b", Cancellation)));
    }

    [Fact]
    public async Task A_hub_that_asks_to_be_left_alone_is_left_alone_as_long_as_it_says()
    {
        hub.Refuse(Models, 429, "30");
        Assert.Equal((503, "hub.unreachable"), await FailureAsync(() => client.SearchAsync("x", Cancellation)));
        hub.Say(Models, "[]");
        time.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal((503, "hub.unreachable"), await FailureAsync(() => client.SearchAsync("y", Cancellation)));
        Assert.Single(hub.Asked);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Empty(await client.SearchAsync("y", Cancellation));
    }

    [Fact]
    public async Task A_hub_that_nobody_finds_is_left_alone_for_a_moment()
    {
        using var lost = new HubClient(http, Address("http://127.0.0.1:1/"), time);
        Assert.Equal((503, "hub.unreachable"), await FailureAsync(() => lost.SearchAsync("x", Cancellation)));
        Assert.Equal((503, "hub.unreachable"), await FailureAsync(() => lost.SearchAsync("x", Cancellation)));
    }

    [Fact]
    public async Task A_few_questions_are_asked_at_once_some_wait_and_more_are_sent_away()
    {
        var release = new TaskCompletionSource();
        hub.Answers[Models] = async context =>
        {
            await release.Task;
            await context.Response.WriteAsync("[]");
        };
        var all = Enumerable.Range(0, 50).Select(i => client.SearchAsync($"{i}", Cancellation)).ToArray();
        Assert.Equal(14, all.Count(asked => asked.IsFaulted));
        await Eventually.Async(() => Task.FromResult(hub.Asked.Count), count => count == 4);
        release.SetResult();
        var busy = await Assert.ThrowsAsync<HubException>(() => Task.WhenAll(all));
        Assert.Equal("hub.busy", busy.Code);
        Assert.Equal(36, hub.Asked.Count);
    }

    [Fact]
    public async Task A_hub_that_is_off_is_not_asked()
    {
        using var off = new HubClient(http, Address(""), time);
        Assert.Equal((503, "hub.off"), await FailureAsync(() => off.SearchAsync("x", Cancellation)));
    }

    [Fact]
    public async Task What_cannot_be_is_left_out_and_what_remains_is_harmless()
    {
        hub.Say(Models, """
            [null, {"id":"../../etc/passwd"}, {"id":"a/b/c"}, {"id":"a/b\u0000"}, {"id":"a/..b"}, {"id":"hidden/one","private":true},
             {"id":"good/one","downloads":-5,"likes":99999999999999999,"lastModified":"0001-01-01T00:00:00Z","pipeline_tag":"text-generation",
              "tags":[null,"license:MIT\u001b[31m\u202e","code"],"siblings":[null,{"rfilename":null},{"rfilename":"../x.gguf"},{"rfilename":"/x.gguf"},{"rfilename":"one-Q8_0.gguf"}],
              "gguf":{"total":-1,"architecture":"llama\r\nX: y","context_length":99999999999}}]
            """);
        var model = Assert.Single(await client.SearchAsync("x", Cancellation));
        Assert.Equal(
            ("good/one", (long?)null, (long?)null, (DateTimeOffset?)null, "mit[31m", "llamaX: y", (long?)null, (int?)null),
            (model.Repository, model.Downloads, model.Likes, model.UpdatedAt, model.Licence, model.Architecture, model.Parameters, model.ContextTokens));
        Assert.Equal(["chat", "code"], model.Tasks);
        Assert.Equal("one-Q8_0.gguf", Assert.Single(model.Files).Path);
    }

    [Fact]
    public async Task A_search_asks_for_models_of_llama_cpp_and_shows_who_asks_to_the_hub_alone()
    {
        await using var elsewhere = await HubServer.StartAsync();
        elsewhere.Say("/moved", "[]");
        hub.Answers[Models] = context =>
        {
            context.Response.Redirect(new Uri(elsewhere.Address, "moved").ToString());
            return Task.CompletedTask;
        };
        await client.SearchAsync("a&b c", Cancellation);
        var (path, authorization) = Assert.Single(hub.Asked);
        Assert.StartsWith("/api/models?search=a%26b%20c&filter=gguf&", path, StringComparison.Ordinal);
        Assert.Equal("Bearer hf_secret", authorization);
        Assert.Equal("", Assert.Single(elsewhere.Asked).Authorization ?? "");
    }

    [Fact]
    public async Task A_model_has_the_sizes_of_all_its_files_over_several_pages()
    {
        hub.Say("/api/models/a/b", """{"id":"A/b","downloads":7,"gguf":{"total":1000,"architecture":"llama","context_length":4096}}""");
        hub.Answers["/api/models/a/b/tree/main"] = context =>
        {
            var isSecond = context.Request.Query.ContainsKey("cursor");
            context.Response.Headers.Link = isSecond ? "<http://169.254.169.254/next>; rel=\"next\"" : "</api/models/a/b/tree/main?recursive=true&cursor=2>; rel=\"next\"";
            return context.Response.WriteAsync(isSecond
                ? """[{"type":"file","path":"deep/b-Q8_0-00002-of-00002.gguf","size":5},{"type":"file","path":"lie.gguf","size":-1},{"type":"file","path":"huge.gguf","size":9000000000000000000}]"""
                : $$"""[{"type":"directory","path":"deep","size":0},{"type":"file","path":"deep/b-Q8_0-00001-of-00002.gguf","size":1,"lfs":{"oid":"{{new string('a', 64)}}","size":10} },{"type":"file","path":"b-Q4_0.gguf","size":3,"lfs":{"oid":"nonsense","size":3} }]""");
        };
        var row = (await client.ModelAsync("a/b", Cancellation)).ToRow();
        Assert.Equal(("hub:a/b", "A/b", "llama", 1000L, 4096, true), (row.Key, row.Hub, row.Architecture, row.Parameters, row.ContextTokens, row.IsDetailed));
        Assert.Equal([new Variant("b-Q4_0.gguf", "Q4_0", 3, false, null, 1), new Variant("deep/b-Q8_0-00001-of-00002.gguf", "Q8_0", 15, false, null, 2)], row.Variants);
    }

    [Fact]
    public async Task What_only_the_operators_token_opens_is_shown_to_nobody()
    {
        hub.Say("/api/models/a/secret", """{"id":"a/secret","private":true}""");
        hub.Answers["/a/secret/raw/main/README.md"] = context => context.Response.WriteAsync("secret words");
        Assert.Equal((404, "hub.not_found"), await FailureAsync(() => client.ModelAsync("a/secret", Cancellation)));
        Assert.Equal(0, hub.Count("/api/models/a/secret/tree/main"));
        await client.CardAsync("a/secret", Cancellation);
        Assert.True(string.IsNullOrEmpty(hub.Asked.Last().Authorization)); // the hub decides by itself who may see it
    }

    [Fact]
    public async Task Pages_without_an_end_have_one()
    {
        hub.Say("/api/models/a/b", """{"id":"a/b"}""");
        hub.Answers["/api/models/a/b/tree/main"] = context =>
        {
            context.Response.Headers.Link = "</api/models/a/b/tree/main?cursor=again>; rel=\"next\"";
            return context.Response.WriteAsync("[]");
        };
        Assert.Empty((await client.ModelAsync("a/b", Cancellation)).Files);
        Assert.Equal(10, hub.Count("/api/models/a/b/tree/main"));
    }

    [Fact]
    public async Task A_card_is_text_without_tricks_and_says_where_it_was_cut()
    {
        hub.Say("/a/b/raw/main/README.md", "# Title\r\n\tline <script>alert(1)</script>\u001b[2J\u202egnp.exe\0");
        Assert.Equal(new HubCard("# Title\n\tline <script>alert(1)</script>[2Jgnp.exe", false), await client.CardAsync("a/b", Cancellation));
        hub.Say("/a/b/raw/main/README.md", new string('é', 200_000));
        var card = await client.CardAsync("a/b", Cancellation);
        Assert.True(card.IsCut);
        Assert.Equal(new string('é', 128 << 10), card.Text);
    }

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        http.Dispose();
        await hub.DisposeAsync();
    }

    private static HubAddress Address(string endpoint) =>
        new(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["Hub:Endpoint"] = endpoint, ["Hub:Token"] = "hf_secret" }).Build());

    private static async Task<(int, string)> FailureAsync(Func<Task> ask)
    {
        var failure = await Assert.ThrowsAsync<HubException>(ask);
        return (failure.Status, failure.Code);
    }
}
