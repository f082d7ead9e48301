using LlmPlatform.Explore.Catalogue;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace LlmPlatform.ModuleTests.Explore;

/// <summary>Models that a test puts into the catalogue. Each has a word that nobody else's has, so that tests do not find one another's.</summary>
internal static class Shelf
{
    public static async Task PutAsync(this PlatformFixture platform, params ModelRow[] rows) =>
        await platform.Platform.App.Services.GetRequiredService<ModelWriter>().WriteAsync(rows, TestContext.Current.CancellationToken);

    public static ModelRow Model(string repository, string? quantisation = "Q4_K_M", long? sizeBytes = 1000) => new()
    {
        Key = ModelRow.KeyOfHub(repository),
        Source = ModelSource.Hub,
        Name = repository.Split('/')[1],
        Developer = repository.Split('/')[0],
        Hub = repository,
        Variants = [new Variant("file.gguf", quantisation, sizeBytes, false, null, 1)],
        IsDetailed = true,
    };
}
