using System.Net;
using System.Net.Http.Json;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

public sealed class SetQuotaTests(PlatformFixture platform)
{
    [Theory]
    [InlineData("everybody", 422, "quota.scope_invalid")]
    [InlineData("user:somebody", 422, "quota.scope_invalid")]
    [InlineData("user:01930000-0000-7000-8000-00000000dead", 404, "user.not_found")]
    [InlineData("group:No Group", 422, "quota.scope_invalid")]
    [InlineData("group:nobodys", 404, "group.not_found")]
    [InlineData("model:UPPER", 422, "quota.scope_invalid")]
    public async Task A_scope_that_limits_nobody_is_refused(string scope, int status, string code)
    {
        var answer = await platform.Administrator.PutAsJsonAsync($"/api/v1/auth/quotas/{scope}", new { tokensPerDay = 1 });
        Assert.Equal(((HttpStatusCode)status, code), (answer.StatusCode, (await answer.JsonAsync()).Text("code")));
    }

    [Theory]
    [InlineData("{}", "quota.empty")]
    [InlineData("{\"tokensPerDay\":-1}", "param.invalid")]
    [InlineData("{\"tokensPerDay\":9000000000000000000}", "param.invalid")]
    [InlineData("{\"tokensPerWeek\":1}", "param.unknown")]
    [InlineData("{\"tokensPerDay\":\"1\"}", "json.invalid")]
    [InlineData("{\"tokensPerDay\":1,\"tokensPerDay\":2}", "json.invalid")]
    [InlineData("{", "json.invalid")]
    public async Task A_quota_that_is_none_is_refused(string body, string code)
    {
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        var answer = await platform.Administrator.PutAsync("/api/v1/auth/quotas/model:none", content);
        Assert.Equal((HttpStatusCode.BadRequest, code), (answer.StatusCode, (await answer.JsonAsync()).Text("code")));
    }

    [Fact]
    public async Task A_persons_own_quota_stands_in_for_everybodys_and_a_lifted_one_counts_no_more()
    {
        using var user = await platform.UserAsync();
        var id = (await user.GetJsonAsync("/api/v1/auth/me")).Text("id");
        Assert.Equal(HttpStatusCode.OK, (await platform.Administrator.PutAsJsonAsync($"/api/v1/auth/quotas/user:{id}", new { tokensPerDay = 7 })).StatusCode);
        Assert.Equal(7, (await Eventually.Async(() => user.GetJsonAsync("/api/v1/inference/quotas"), list => list.GetProperty("items").GetArrayLength() == 1)).GetProperty("items")[0].GetProperty("tokensLimit").GetInt32());
        var listed = (await platform.Administrator.GetJsonAsync("/api/v1/auth/quotas?limit=200")).GetProperty("items").EnumerateArray().Select(q => q.Text("scope"));
        Assert.Contains($"user:{id}", listed);
        Assert.Equal(HttpStatusCode.NoContent, (await platform.Administrator.DeleteAsync($"/api/v1/auth/quotas/user:{id}")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await platform.Administrator.DeleteAsync($"/api/v1/auth/quotas/user:{id}")).StatusCode);
        await Eventually.Async(() => user.GetJsonAsync("/api/v1/inference/quotas"), list => list.GetProperty("items").GetArrayLength() == 0);
        Assert.Equal(HttpStatusCode.Forbidden, (await user.PutAsJsonAsync($"/api/v1/auth/quotas/user:{id}", new { tokensPerDay = 1_000_000 })).StatusCode);
    }
}
