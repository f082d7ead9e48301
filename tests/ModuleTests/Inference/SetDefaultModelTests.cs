using System.Net;
using System.Net.Http.Json;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

public sealed class SetDefaultModelTests(PlatformFixture platform)
{
    private const string Default = "/api/v1/inference/default-model";

    [Fact]
    public async Task A_request_that_names_no_model_means_the_default_one()
    {
        var user = await platform.UserAsync();
        Assert.Equal(HttpStatusCode.Forbidden, (await user.PutAsJsonAsync(Default, new { name = PlatformFixture.Model })).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await platform.Administrator.PutAsJsonAsync(Default, new { name = "nobody" })).StatusCode);
        (await platform.Administrator.DeleteAsync(Default)).EnsureSuccessStatusCode();
        var missing = await user.PostAsJsonAsync("/v1/completions", new { prompt = "Once", max_tokens = 1 });
        Assert.Equal(HttpStatusCode.BadRequest, missing.StatusCode);
        Assert.Equal("model", (await missing.JsonAsync()).GetProperty("error").Text("param"));

        (await platform.Administrator.PutAsJsonAsync(Default, new { name = PlatformFixture.Model })).EnsureSuccessStatusCode();
        Assert.Equal(PlatformFixture.Model, (await user.GetJsonAsync(Default)).Text("name"));
        var answered = await user.PostAsJsonAsync("/v1/completions", new { prompt = "Once", max_tokens = 1 });
        Assert.Equal(PlatformFixture.Model, (await answered.JsonAsync()).Text("model"));
        Assert.True((await user.GetJsonAsync($"/api/v1/inference/models/{PlatformFixture.Model}")).GetProperty("isDefault").GetBoolean());

        (await platform.Administrator.PutAsJsonAsync("/api/v1/inference/presets/not-for-users", new { @base = PlatformFixture.Model })).EnsureSuccessStatusCode();
        (await platform.Administrator.PutAsJsonAsync("/api/v1/inference/models/not-for-users/rights", new { everyone = false })).EnsureSuccessStatusCode();
        (await platform.Administrator.PutAsJsonAsync(Default, new { name = "not-for-users" })).EnsureSuccessStatusCode();
        Assert.Equal(System.Text.Json.JsonValueKind.Null, (await user.GetJsonAsync(Default)).GetProperty("name").ValueKind);
        (await platform.Administrator.DeleteAsync(Default)).EnsureSuccessStatusCode();
    }
}
