using System.Net;
using System.Net.Http.Json;
using CsCheck;
using LlmPlatform.Explore;
using LlmPlatform.Explore.Catalogue;
using LlmPlatform.Explore.Search;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace LlmPlatform.ModuleTests.Explore;

public sealed class SearchModelsTests(PlatformFixture platform)
{
    private ModelSearch Search => platform.Platform.App.Services.GetRequiredService<ModelSearch>();

    [Theory]
    [InlineData("limit=0", "param.range")]
    [InlineData("contextTokens=0", "param.range")]
    [InlineData("minBytes=-1", "param.range")]
    [InlineData("maxBytes=-1", "param.range")]
    [InlineData("task=", "param.range")]
    [InlineData("licence=%00", "param.range")]
    [InlineData("cursor=nonsense", "param.cursor")]
    [InlineData("cursor=bm8", "param.cursor")]
    [InlineData("cursor=WzEsMiwzXQ", "param.cursor")]
    public async Task A_question_that_cannot_be_meant_is_refused(string question, string code)
    {
        var answer = await platform.Administrator.GetAsync($"/api/v1/explore/models?{question}");
        Assert.Equal((HttpStatusCode.BadRequest, code), (answer.StatusCode, (await answer.JsonAsync()).Text("code")));
    }

    [Fact]
    public async Task A_query_that_is_too_long_and_a_caller_without_a_name_are_refused()
    {
        Assert.Equal(HttpStatusCode.BadRequest, (await platform.Administrator.GetAsync($"/api/v1/explore/models?query={new string('a', 201)}")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await platform.Client.GetAsync("/api/v1/explore/models")).StatusCode);
    }

    [Fact]
    public async Task A_cursor_belongs_to_the_order_that_gave_it()
    {
        var cursor = (await platform.Administrator.GetJsonAsync("/api/v1/explore/models?limit=1&sort=name")).Text("nextCursor");
        Assert.Equal(HttpStatusCode.OK, (await platform.Administrator.GetAsync($"/api/v1/explore/models?limit=1&sort=name&cursor={cursor}")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await platform.Administrator.GetAsync($"/api/v1/explore/models?limit=1&sort=size&cursor={cursor}")).StatusCode);
    }

    [Fact]
    public async Task Whatever_is_typed_there_is_an_answer()
    {
        var typed = Gen.OneOf(Gen.String, Gen.Char["'&|!():*<->\\\"%_ .-$?{}[]0aZ\0\ud800é"].Array.Select(signs => new string(signs)));
        await typed.SampleAsync(async text => await AskAsync(new SearchText(text)), iter: 300);
    }

    [Theory]
    [InlineData("narwhal")] // a word
    [InlineData("NARW")] // its beginning
    [InlineData("7b narwhal")] // in any order
    [InlineData("narwhal2.5")]
    [InlineData("narwhal 2.5 q4_k")]
    [InlineData("oceania nar")] // its developer
    [InlineData("tusked")] // what is said of it
    [InlineData("narwhla")] // two letters changed places
    [InlineData("narhwal 7b")]
    [InlineData("nawhal")] // one is missing
    [InlineData("narrwhal")] // one is too many
    public async Task A_model_is_found_by_what_people_type(string query)
    {
        await platform.PutAsync(Shelf.Model("OceaniaLab/Narwhal2.5-7B-Instruct-GGUF") with { Summary = "A tusked animal.", Licence = "mit" });
        Assert.Contains("hub:oceanialab/narwhal2.5-7b-instruct-gguf", await KeysAsync($"query={Uri.EscapeDataString(query)}"));
    }

    [Theory]
    [InlineData("narwhal unicorn")] // every word counts
    [InlineData("whale")] // like the end of a word only
    [InlineData("!?&")]
    public async Task A_model_that_was_not_meant_is_not_found(string query)
    {
        await platform.PutAsync(Shelf.Model("OceaniaLab/Narwhal2.5-7B-Instruct-GGUF"));
        Assert.DoesNotContain("hub:oceanialab/narwhal2.5-7b-instruct-gguf", await KeysAsync($"query={Uri.EscapeDataString(query)}"));
    }

    [Fact]
    public async Task Names_go_before_descriptions_and_the_popular_before_the_rest()
    {
        await platform.PutAsync(
            Shelf.Model("ranking/Quokka-small") with { Downloads = 5 },
            Shelf.Model("ranking/Quokka-large") with { Downloads = 50 },
            Shelf.Model("ranking/Other-animal") with { Summary = "Like a quokka.", Downloads = 5000 });
        Assert.Equal(["hub:ranking/quokka-large", "hub:ranking/quokka-small", "hub:ranking/other-animal"], await KeysAsync("query=quokka"));
        Assert.Equal(["hub:ranking/other-animal", "hub:ranking/quokka-large", "hub:ranking/quokka-small"], await KeysAsync("query=quokka&sort=popular"));
        Assert.Equal(["hub:ranking/other-animal", "hub:ranking/quokka-large", "hub:ranking/quokka-small"], await KeysAsync("query=quokka&sort=name"));
    }

    [Theory]
    [InlineData("task=code", "one")]
    [InlineData("licence=MIT", "two")]
    [InlineData("quantisation=q8_0", "two")]
    [InlineData("minBytes=2001", "two")]
    [InlineData("maxBytes=2000", "one")]
    [InlineData("minBytes=1001&maxBytes=2000", "")]
    [InlineData("fits=true", "one")]
    [InlineData("fits=false", "two")]
    [InlineData("installed=true", "")]
    [InlineData("installed=false", "one two")]
    [InlineData("source=hub", "one two")]
    [InlineData("source=curated", "")]
    [InlineData("task=code&licence=mit", "")]
    public async Task Filters_narrow_what_is_found(string filter, string names)
    {
        await platform.PutAsync(
            Shelf.Model("pangolin/one", "Q4_K_M", 1000) with { Tasks = ["code", "chat"], Licence = "apache-2.0" },
            Shelf.Model("pangolin/two", "Q8_0", 1L << 60) with { Tasks = ["chat"], Licence = "mit" });
        Assert.Equal(names.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(name => $"hub:pangolin/{name}"), await KeysAsync($"query=pangolin&sort=name&{filter}"));
    }

    [Fact]
    public async Task Facets_count_what_was_found()
    {
        await platform.PutAsync(
            Shelf.Model("axolotl/one", "Q4_K_M") with { Tasks = ["code", "chat"], Licence = "mit" },
            Shelf.Model("axolotl/two", "Q8_0") with { Tasks = ["chat"], Licence = "mit" },
            Shelf.Model("axolotl/three", null) with { Tasks = ["chat"] });
        var facets = (await platform.Administrator.GetJsonAsync("/api/v1/explore/models?query=axolotl&limit=1")).GetProperty("facets");
        Assert.Equal(
            """{"total":3,"isComplete":true,"tasks":[{"value":"chat","count":3},{"value":"code","count":1}],"licences":[{"value":"mit","count":2}],"quantisations":[{"value":"Q4_K_M","count":1},{"value":"Q8_0","count":1}],"sources":[{"value":"hub","count":3}],"installed":0}""",
            facets.GetRawText());
    }

    [Fact]
    public async Task Pages_hold_every_row_once_in_every_order()
    {
        var rows = Gen.Select(Gen.Int[0, 2], Gen.Int[0, 2], Gen.Int[0, 1]).Array[1, 23];
        var number = 0;
        await Gen.Select(rows, Gen.Enum<ModelSort>(), Gen.Int[1, 7], Gen.OneOf(Gen.Const("lemur"), Gen.Const("lemru"), Gen.Const("animal"))).SampleAsync(async (made, sort, limit, kind) =>
        {
            var letters = new Random(Interlocked.Increment(ref number));
            var word = string.Concat(Enumerable.Range(0, 12).Select(_ => (char)('a' + letters.Next(26))));
            var models = made.Select((row, i) => Shelf.Model($"{word}-paging/{(row.Item3 == 0 ? "same" : "other")}{i}", "Q4_0", 1000 + row.Item1) with
            {
                Name = row.Item3 == 0 ? "Same" : $"Other {kind}",
                Downloads = row.Item2,
                Parameters = row.Item1 == 0 ? null : row.Item1,
                UpdatedAt = row.Item2 == 0 ? null : DateTimeOffset.UnixEpoch.AddDays(row.Item2),
            }).ToArray();
            await platform.PutAsync(models);
            var text = kind == "lemru" ? $"{word[..^1]}q-paging" : $"{word} paging";
            var all = await AskAsync(new SearchText(text), sort, 5000);
            var paged = new List<string>();
            SearchCursor? after = null;
            do
            {
                var page = await AskAsync(new SearchText(text), sort, limit, after);
                paged.AddRange(page.Take(limit).Select(row => row.Model.Key));
                after = page.Count > limit ? SearchCursor.Parse(Cursor(page[limit - 1])) : null;
            }
            while (after is not null);
            Assert.Equal(all.Select(row => row.Model.Key), paged);
            Assert.Equal(paged.Count, paged.Distinct().Count());
            Assert.Empty(models.Select(m => m.Key).Except(paged)); // and, where they are few, what is spelt like them
        }, iter: 60, threads: 1);
    }

    [Fact]
    public async Task The_tables_are_as_they_should_be_so_that_a_start_changes_nothing() =>
        await platform.Platform.App.Services.GetRequiredService<LlmPlatform.Explore.IExploreStore>().Storage.Database
            .AssertDatabaseMatchesConfigurationAsync(TestContext.Current.CancellationToken);

    private static string Cursor(FoundModel row) => LlmPlatform.SharedKernel.Page.Of([1, 2], 1, _ => row.Place.ToString()).NextCursor!;

    private async Task<IReadOnlyList<FoundModel>> AskAsync(SearchText text, ModelSort sort = ModelSort.Relevance, int limit = 10, SearchCursor? after = null) =>
        (await Search.FindAsync(new ModelQuestion { Text = text, Sort = sort, Limit = limit, After = after }, long.MaxValue, TestContext.Current.CancellationToken)).Rows;

    private async Task<string[]> KeysAsync(string question)
    {
        var page = await platform.Administrator.GetJsonAsync($"/api/v1/explore/models?{question}");
        return [.. page.GetProperty("items").EnumerateArray().Select(item => item.Text("key")!)];
    }
}

/// <summary>What somebody may not use does not exist for them, in the catalogue as elsewhere.</summary>
public sealed class VisibleModelsTests(PlatformFixture platform)
{
    [Fact]
    public async Task An_installed_model_that_is_not_for_somebody_shows_nowhere()
    {
        const string name = "aardvark";
        await platform.Administrator.EnsureInstalledAsync(platform, name);
        await Eventually.Async(() => KeysAsync(platform.Administrator, $"query={name}"), keys => keys.Contains($"installed:{name}"));
        using var user = await platform.UserAsync();
        Assert.Contains($"installed:{name}", await KeysAsync(user, $"query={name}"));

        var denied = await platform.Administrator.PutAsJsonAsync($"/api/v1/inference/models/{name}/rights", new { everyone = false });
        denied.EnsureSuccessStatusCode();
        foreach (var question in (string[])["", "&installed=true", "&source=installed", "&sort=name"])
        {
            Assert.DoesNotContain($"installed:{name}", await KeysAsync(user, $"query={name}{question}"));
        }

        Assert.Equal(HttpStatusCode.NotFound, (await user.GetAsync($"/api/v1/explore/models/installed:{name}")).StatusCode);
        Assert.Contains($"installed:{name}", await KeysAsync(platform.Administrator, $"query={name}"));
        Assert.Equal(HttpStatusCode.OK, (await platform.Administrator.GetAsync($"/api/v1/explore/models/installed:{name}")).StatusCode);
    }

    [Fact]
    public async Task The_order_does_not_tell_what_is_installed_either()
    {
        var popular = Shelf.Model("ordering/popularbeaver") with { Downloads = 1000 };
        var used = Shelf.Model("ordering/usedbeaver");
        await platform.PutAsync(popular, used);
        var (services, now) = (platform.Platform.App.Services, TimeProvider.System.GetUtcNow());
        await using (var session = services.GetRequiredService<IExploreStore>().LightweightSession())
        {
            var installed = new ModelInstalled(Guid.CreateVersion7(now), "notforyou", "sha256:0", 1000, "llama", 5, 512, Guid.Empty, now) { Source = $"hf://{used.Hub}/file.gguf" };
            await ModelInstalledHandler.Handle(installed, session, services.GetRequiredService<IMemoryFit>(), now, TestContext.Current.CancellationToken);
            await session.SaveChangesAsync(TestContext.Current.CancellationToken);
        }

        var question = new ModelQuestion { Text = new SearchText("ordering"), Source = ModelSource.Hub, Limit = 10 };
        Assert.Equal([used.Key, popular.Key], await OrderAsync(question));
        Assert.Equal([popular.Key, used.Key], await OrderAsync(question with { Visible = new VisibleModels([]) }));

        async Task<string[]> OrderAsync(ModelQuestion asked) => [.. (await services.GetRequiredService<ModelSearch>().FindAsync(asked, 1, TestContext.Current.CancellationToken)).Rows.Select(row => row.Model.Key)];
    }

    [Fact]
    public void Neither_does_its_name_beside_what_it_came_from()
    {
        var model = Shelf.Model("a/b") with { InstalledNames = ["mine", "theirs"] };
        Assert.Equal(["mine"], new VisibleModels(["mine"]).Of(model).InstalledNames);
        Assert.Equal(["mine", "theirs"], VisibleModels.All.Of(model).InstalledNames);
    }

    private static async Task<string[]> KeysAsync(HttpClient client, string question) =>
        [.. (await client.GetJsonAsync($"/api/v1/explore/models?{question}")).GetProperty("items").EnumerateArray().Select(item => item.Text("key")!)];
}
