using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

public sealed class SetPriceTests(PlatformFixture platform)
{
    [Fact]
    public async Task A_new_price_counts_from_then_on_and_the_bill_made_anew_is_the_bill_that_was()
    {
        await platform.Administrator.EnsureInstalledAsync(platform, "priced");
        using var user = await platform.UserAsync();
        await UseAsync(user, 1);
        await PriceAsync(new { currency = "EUR", promptPerMillion = 1.5, completionPerMillion = 6 });
        var (prompt, completion) = await UseAsync(user, 2);
        await PriceAsync(new { currency = "EUR", promptPerMillion = 3, cachedPerMillion = 3, completionPerMillion = 12 });
        await UseAsync(user, 3);

        var bill = await Eventually.Async(() => user.GetJsonAsync("/api/v1/inference/usage"), bill => bill.GetProperty("lines").GetArrayLength() == 3);
        var first = Line(bill, 2);
        Assert.Equal(((prompt * 1.5m) + (completion * 6m)) / 1_000_000, first.GetProperty("cost").GetDecimal());
        Assert.Equal("EUR", first.Text("currency"));
        var mine = bill.Text("userId")!;
        var listed = await ListAllAsync();
        var sum = listed.Single(u => u.Text("userId") == mine);
        Assert.Equal(bill.GetProperty("lines").EnumerateArray().Sum(l => l.GetProperty("cost").GetDecimal()), sum.GetProperty("costs").GetProperty("EUR").GetDecimal());
        Assert.Equal(listed.Count, listed.Select(u => u.Text("userId")).Distinct().Count());

        Assert.Equal(HttpStatusCode.Accepted, (await platform.Administrator.PostAsync("/api/v1/inference/usage/rebuild", null)).StatusCode);
        await Eventually.Async(
            () => platform.Administrator.GetJsonAsync("/api/v1/admin/audit?action=inference.bills_rebuilt"), page => page.GetProperty("items").GetArrayLength() > 0);
        Assert.Equal(Canonical(bill), Canonical(await user.GetJsonAsync("/api/v1/inference/usage")));

        await UseAsync(user, 3);
        await Eventually.Async(() => user.GetJsonAsync("/api/v1/inference/usage"), again => again.GetProperty("lines").EnumerateArray().Sum(l => l.GetProperty("requests").GetInt64()) == 4);
    }

    [Theory]
    [InlineData("Euro", 1, "price.currency"), InlineData("EUR", -1, "param.invalid"), InlineData("EUR", 2_000_000, "param.invalid")]
    public async Task A_price_that_is_none_is_refused(string currency, int price, string code)
    {
        var answer = await platform.Administrator.PutAsJsonAsync($"/api/v1/inference/models/{PlatformFixture.Model}/price", new { currency, promptPerMillion = price, completionPerMillion = 1 });
        Assert.Equal((HttpStatusCode.BadRequest, code), (answer.StatusCode, (await answer.JsonAsync()).Text("code")));
    }

    [Fact]
    public async Task What_others_used_is_for_administrators()
    {
        using var user = await platform.UserAsync();
        var administrator = (await platform.Administrator.GetJsonAsync("/api/v1/auth/me")).Text("id");
        Assert.Equal(HttpStatusCode.Forbidden, (await user.GetAsync($"/api/v1/inference/usage?userId={administrator}")).StatusCode);
        var mine = (await user.GetJsonAsync("/api/v1/auth/me")).Text("id");
        Assert.Equal(mine, (await platform.Administrator.GetJsonAsync($"/api/v1/inference/usage?userId={mine}")).Text("userId"));
        Assert.Equal(HttpStatusCode.BadRequest, (await user.GetAsync("/api/v1/inference/usage?month=2026-13")).StatusCode);
    }

    /// <summary>Everybody's usage, two at a time.</summary>
    private async Task<List<JsonElement>> ListAllAsync()
    {
        var (all, cursor) = (new List<JsonElement>(), (string?)null);
        do
        {
            var page = await platform.Administrator.GetJsonAsync($"/api/v1/admin/usage?limit=2{(cursor is null ? "" : $"&cursor={cursor}")}");
            all.AddRange(page.GetProperty("items").EnumerateArray());
            cursor = page.Text("nextCursor");
        }
        while (cursor is not null);

        return all;
    }

    private async Task PriceAsync(object price) =>
        Assert.Equal(HttpStatusCode.OK, (await platform.Administrator.PutAsJsonAsync("/api/v1/inference/models/priced/price", price)).StatusCode);

    /// <summary>Uses the model, and waits until the bill says so: a later price must not meet an earlier request.</summary>
    private static async Task<(int Prompt, int Completion)> UseAsync(HttpClient user, int lines)
    {
        var answer = await user.PostAsJsonAsync("/v1/completions", new { model = "priced", prompt = "Once", max_tokens = 7, ignore_eos = true });
        var usage = (await answer.JsonAsync()).GetProperty("usage");
        await Eventually.Async(() => user.GetJsonAsync("/api/v1/inference/usage"), bill => bill.GetProperty("lines").GetArrayLength() == lines);
        return (usage.GetProperty("prompt_tokens").GetInt32(), usage.GetProperty("completion_tokens").GetInt32());
    }

    private static JsonElement Line(JsonElement bill, int number) =>
        bill.GetProperty("lines").EnumerateArray().OrderBy(line => line.GetProperty("priceVersion").GetInt32()).ElementAt(number - 1);

    private static string Canonical(JsonElement bill) =>
        string.Join('\n', bill.GetProperty("lines").EnumerateArray().Select(line => line.GetRawText()).Order(StringComparer.Ordinal));
}
