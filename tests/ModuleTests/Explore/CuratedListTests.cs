using System.Text;
using LlmPlatform.Explore.Catalogue;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace LlmPlatform.ModuleTests.Explore;

public sealed class CuratedListTests(PlatformFixture platform)
{
    private static readonly CuratedList Shipped = CuratedList.Shipped();

    [Fact]
    public void What_ships_is_well_formed_and_says_where_it_was_read()
    {
        Assert.NotEmpty(Shipped.Models);
        Assert.Equal(Shipped.Models.Count, Shipped.Models.Select(m => m.Id).Distinct().Count());
        Assert.All(Shipped.Models, model =>
        {
            Assert.Matches("^[a-z0-9][a-z0-9._-]{0,63}$", model.Id);
            Assert.False(string.IsNullOrWhiteSpace(model.Title));
            Assert.True(model.Hub is null || HubFile.IsRepository(model.Hub), model.Hub);
            Assert.True(model.Parameters is null or > 0, model.Id);
            Assert.True(model.ContextTokens is null or > 0, model.Id);
            Assert.NotEmpty(model.Sources!);
            Assert.All(model.Sources!, source => Assert.False(string.IsNullOrWhiteSpace(source)));
            Assert.All(model.Variants ?? [], variant =>
            {
                Assert.True(variant.SizeBytes is null or > 0, model.Id);
                Assert.True(variant.Name is null || HubFile.IsPath(variant.Name), variant.Name);
                Assert.True(variant.Sha256 is null || (variant.Sha256.Length == 64 && variant.Sha256.All(char.IsAsciiHexDigitLower)), variant.Sha256);
                Assert.True(Quantisation.BitsOf(variant.Quantisation) is not null || variant.Quantisation is null, variant.Quantisation);
            });
            Assert.All([model.Shape?.Layers, model.Shape?.Heads, model.Shape?.KvHeads, model.Shape?.HeadSize, model.Shape?.Embedding, model.Shape?.Vocabulary], n => Assert.True(n is null or > 0, model.Id));
        });
    }

    [Fact]
    public async Task The_shipped_models_can_be_found()
    {
        var model = Shipped.Models[0];
        var page = await platform.Administrator.GetJsonAsync($"/api/v1/explore/models?query={Uri.EscapeDataString(model.Title)}&source=curated");
        Assert.Contains(page.GetProperty("items").EnumerateArray(), item => item.Text("key") == $"curated:{model.Id}");
    }

    [Fact]
    public async Task A_new_edition_replaces_the_old_one_and_an_old_one_changes_nothing()
    {
        var writer = platform.Platform.App.Services.GetRequiredService<ModelWriter>();
        var other = CuratedList.Read(Encoding.UTF8.GetBytes("""[{"id":"only","title":"Onlymodelhere","hub":"Someone/Only-GGUF","tasks":["chat"],"sources":["test"]}]"""));
        try
        {
            Assert.False(await writer.WriteAsync(Shipped, TestContext.Current.CancellationToken));
            Assert.True(await writer.WriteAsync(other, TestContext.Current.CancellationToken));
            var page = await platform.Administrator.GetJsonAsync("/api/v1/explore/models?source=curated");
            Assert.Equal("curated:only", Assert.Single(page.GetProperty("items").EnumerateArray()).Text("key"));
        }
        finally
        {
            Assert.True(await writer.WriteAsync(Shipped, TestContext.Current.CancellationToken));
        }
    }
}
