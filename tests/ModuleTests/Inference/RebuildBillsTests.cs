using System.Net;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

/// <summary>What a bill made anew looks like is in <see cref="SetPriceTests"/>, which has prices in it.</summary>
public sealed class RebuildBillsTests(PlatformFixture platform)
{
    [Fact]
    public async Task Bills_are_made_anew_by_administrators_only()
    {
        using var user = await platform.UserAsync();
        Assert.Equal(HttpStatusCode.Forbidden, (await user.PostAsync("/api/v1/inference/usage/rebuild", null)).StatusCode);
    }
}
