using System.Text.Json;
using CsCheck;
using LlmPlatform.Explore;
using LlmPlatform.Explore.Catalogue;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace LlmPlatform.ModuleTests.Explore;

public sealed class FollowInstallsTests(PlatformFixture platform)
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static int names;

    [Fact]
    public async Task News_may_come_twice_and_in_any_order()
    {
        // Installed, deleted, and installed again from elsewhere: however that is told, the second install is what is here.
        await Gen.Shuffle(new[] { 0, 1, 2, 0, 1, 2 }).SampleAsync(async order =>
        {
            var name = NewName();
            foreach (var step in order)
            {
                await TellAsync(name, step, step == 0 ? "first" : "second");
            }

            var model = await FindAsync(name);
            Assert.Equal(("sha256:second", "hf://order/second/model-Q8_0.gguf"), (model!.Value.Text("digest"), await SourceAsync(name)));
        }, iter: 40, threads: 1);
    }

    [Fact]
    public async Task A_model_that_was_deleted_does_not_come_back_with_news_from_before()
    {
        var name = NewName();
        await TellAsync(name, 1, "first");
        await TellAsync(name, 0, "first");
        Assert.Null(await FindAsync(name));
    }

    [Fact]
    public async Task What_a_model_came_from_counts_as_installed_while_it_is_here()
    {
        var name = NewName();
        await platform.PutAsync(Shelf.Model($"Marks/{name}"));
        Assert.Equal("[]", await MarksAsync(name));
        await TellAsync(name, 0, name, owner: "marks"); // the hub does not mind the case either
        await TellAsync($"{name}-again", 0, name, owner: "Marks");
        Assert.Equal($"""["{name}","{name}-again"]""", await MarksAsync(name));

        // The hub tells of it again.
        await platform.PutAsync(Shelf.Model($"Marks/{name}") with { Downloads = 7 });
        Assert.Equal($"""["{name}","{name}-again"]""", await MarksAsync(name));
        await TellAsync(name, 1, name, owner: "marks");
        Assert.Equal($"""["{name}-again"]""", await MarksAsync(name));
        await TellAsync($"{name}-again", 1, name, owner: "Marks");
        Assert.Equal("[]", await MarksAsync(name));
    }

    [Fact]
    public async Task An_installed_model_tells_what_the_list_knows_of_it()
    {
        var name = NewName();
        await platform.PutAsync(Shelf.Model($"Knows/{name}") with { Summary = "Said of it.", Licence = "mit", Tasks = ["chat"], Shape = new ModelShape(2, 64, 4, 2, 16, 16, null, 1000, 512) });
        await TellAsync(name, 0, name, owner: "Knows");
        var detail = await platform.Administrator.GetJsonAsync($"/api/v1/explore/models/installed:{name}");
        Assert.Equal(("Said of it.", "mit"), (detail.GetProperty("model").Text("summary"), detail.GetProperty("model").Text("licence")));
        Assert.True(detail.GetProperty("model").GetProperty("fit").GetProperty("isComplete").GetBoolean());
    }

    private static string NewName() => $"followed-{string.Concat($"{Interlocked.Increment(ref names)}".Select(digit => (char)('a' + digit - '0')))}";

    private async Task TellAsync(string name, int step, string origin, string owner = "order")
    {
        var services = platform.Platform.App.Services;
        var cancellation = TestContext.Current.CancellationToken;
        await using var session = services.GetRequiredService<IExploreStore>().LightweightSession();
        var at = Start.AddMinutes(step);
        if (step == 1)
        {
            await ModelDeletedHandler.Handle(new ModelDeleted(Guid.CreateVersion7(at), name, $"sha256:{origin}", Guid.Empty, at), session, cancellation);
        }
        else
        {
            var installed = new ModelInstalled(Guid.CreateVersion7(at), name, $"sha256:{origin}", 1000, "llama", 5, 512, Guid.Empty, at) { Source = $"hf://{owner}/{origin}/model-Q8_0.gguf" };
            await ModelInstalledHandler.Handle(installed, session, services.GetRequiredService<IMemoryFit>(), at, cancellation);
        }

        await session.SaveChangesAsync(cancellation);
    }

    private async Task<JsonElement?> FindAsync(string name)
    {
        var page = await platform.Administrator.GetJsonAsync($"/api/v1/explore/models?source=installed&query={name}");
        return page.GetProperty("items").EnumerateArray().Where(item => item.Text("key") == $"installed:{name}").Select(item => (JsonElement?)item).SingleOrDefault();
    }

    private async Task<string?> SourceAsync(string name) =>
        (await platform.Administrator.GetJsonAsync($"/api/v1/explore/models/installed:{name}")).GetProperty("variants")[0].Text("installSource");

    private async Task<string> MarksAsync(string name) =>
        (await platform.Administrator.GetJsonAsync($"/api/v1/explore/models/hub:marks/{name}")).GetProperty("model").GetProperty("installedNames").GetRawText();
}
