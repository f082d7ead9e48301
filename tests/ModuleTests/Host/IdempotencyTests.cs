using System.Net;
using System.Net.Http.Json;
using LlmPlatform.Host;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Names;
using LlmPlatform.Inference.Workers;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Xunit;

namespace LlmPlatform.ModuleTests.Host;

/// <summary>The same key, the same request: one execution and one answer.</summary>
public sealed class IdempotencyTests(PlatformFixture platform)
{
    private static readonly object Story = new { model = PlatformFixture.Model, prompt = "Once upon a time", max_tokens = 30, ignore_eos = true, temperature = 1.0 };

    [Fact]
    public async Task Ten_at_once_make_one_key_and_get_ten_equal_answers()
    {
        using var user = await platform.UserAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => PostAsync(user, "/api/v1/auth/api-keys", "make it", new { name = "only one" })));
        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.Created, answer.StatusCode));
        Assert.Single((await Task.WhenAll(answers.Select(a => a.Content.ReadAsStringAsync()))).Distinct());
        Assert.Single(answers.Select(a => (a.Headers.Location, a.Content.Headers.ContentType)).Distinct());
        Assert.Equal(9, answers.Count(a => a.Headers.Contains("Idempotency-Replayed")));
        Assert.Equal(1, (await user.GetJsonAsync("/api/v1/auth/api-keys")).GetProperty("items").GetArrayLength());
    }

    [Fact]
    public async Task Ten_at_once_that_would_stumble_over_each_other_get_ten_equal_answers_too()
    {
        var person = new { email = "idempotent@example.com", name = "Idempotent Person" };
        var made = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => PostAsync(platform.Administrator, "/api/v1/auth/users", "register", person)));
        Assert.All(made, answer => Assert.Equal(HttpStatusCode.Created, answer.StatusCode));
        Assert.Single((await Task.WhenAll(made.Select(a => a.Content.ReadAsStringAsync()))).Distinct());

        using var user = await platform.UserAsync();
        var id = (await (await PostAsync(user, "/api/v1/auth/api-keys", "a key", new { name = "turning" })).JsonAsync()).Text("id");
        var turned = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => PostAsync(user, $"/api/v1/auth/api-keys/{id}/rotate", "turn", new { })));
        Assert.All(turned, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        Assert.Single((await Task.WhenAll(turned.Select(a => a.Content.ReadAsStringAsync()))).Distinct());
    }

    [Fact]
    public async Task A_request_of_the_roads_of_others_may_be_as_long_with_a_key_as_without()
    {
        using var user = await platform.UserAsync();
        var answer = await PostAsync(user, "/v1/completions", "long", new { model = PlatformFixture.Model, prompt = new string('a', 2 << 20), max_tokens = 1 });
        Assert.Contains("context_length_exceeded", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Ten_at_once_generate_one_text(bool stream)
    {
        using var user = await platform.UserAsync();
        var body = new { model = PlatformFixture.Model, prompt = "Once upon a time", max_tokens = 30, ignore_eos = true, temperature = 1.0, stream };
        var texts = await Task.WhenAll(Enumerable.Range(0, 10).Select(async _ => await (await PostAsync(user, "/v1/completions", "tell me", body)).Content.ReadAsStringAsync()));
        Assert.Single(texts.Distinct());
        Assert.Contains(stream ? "[DONE]" : "\"usage\"", texts[0], StringComparison.Ordinal);
        await Eventually.Async(
            () => user.GetJsonAsync("/api/v1/inference/usage"), usage => usage.GetProperty("lines").EnumerateArray().Sum(line => line.GetProperty("requests").GetInt64()) == 1);
    }

    [Fact]
    public async Task A_key_for_another_request_is_refused_and_another_persons_key_is_another_key()
    {
        using var user = await platform.UserAsync();
        using var other = await platform.UserAsync();
        Assert.Equal(HttpStatusCode.Created, (await PostAsync(user, "/api/v1/auth/api-keys", "k", new { name = "one" })).StatusCode);
        foreach (var (path, body) in new (string, object)[] { ("/api/v1/auth/api-keys", new { name = "two" }), ("/v1/completions", Story), ("/api/v1/auth/api-keys?x=1", new { name = "one" }) })
        {
            var refused = await PostAsync(user, path, "k", body);
            Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
            Assert.Contains("idempotency.key_reused", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        Assert.False((await PostAsync(other, "/api/v1/auth/api-keys", "k", new { name = "one" })).Headers.Contains("Idempotency-Replayed"));
    }

    [Fact]
    public async Task What_was_refused_may_be_tried_again_and_changed_nothing()
    {
        using var user = await platform.UserAsync();
        Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync(user, "/api/v1/auth/api-keys", "again", new { name = "" })).StatusCode);
        Assert.Equal(HttpStatusCode.Created, (await PostAsync(user, "/api/v1/auth/api-keys", "again", new { name = "now right" })).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync(user, "/v1/completions", "again2", new { model = PlatformFixture.Model, prompt = "a", temperature = 9 })).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(user, "/v1/completions", "again2", Story)).StatusCode);
    }

    [Theory, InlineData(0), InlineData(256)]
    public async Task A_key_that_is_none_is_refused(int length)
    {
        using var user = await platform.UserAsync();
        var answer = await PostAsync(user, "/api/v1/auth/api-keys", new string('k', length), new { name = "x" });
        Assert.Equal((HttpStatusCode.BadRequest, "idempotency.key_invalid"), (answer.StatusCode, (await answer.JsonAsync()).Text("code")));
    }

    [Fact]
    public async Task A_generation_goes_on_where_its_sender_has_gone_and_the_sender_who_comes_back_gets_it()
    {
        using var user = await platform.UserAsync();
        var body = new { model = PlatformFixture.Model, prompt = "Once", max_tokens = 300, ignore_eos = true, stream = true };
        using (var leaving = new CancellationTokenSource())
        {
            using var request = Request("/v1/completions", "come back", body);
            using var answer = await user.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, leaving.Token);
            await leaving.CancelAsync();
        }

        var again = await PostAsync(user, "/v1/completions", "come back", body);
        Assert.True(again.Headers.Contains("Idempotency-Replayed"));
        Assert.Contains("[DONE]", await again.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_that_broke_off_is_not_the_answer()
    {
        const string model = "breaks-off";
        await using (var file = File.Create(Path.Combine(platform.Imports, $"{model}.gguf")))
        {
            TinyModel.Write(file, TinyShape.Medium, seed: 9);
        }

        Assert.Equal("succeeded", (await platform.Administrator.InstallAsync($"file://{platform.Imports}/{model}.gguf", model)).Text("state"));
        using var user = await platform.UserAsync();
        var body = new { model, prompt = "Once", max_tokens = 60, ignore_eos = true, stream = true };
        using (var request = Request("/v1/completions", "breaks", body))
        {
            using var answer = await user.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
            using var stream = new StreamReader(await answer.Content.ReadAsStreamAsync());
            await stream.ReadLineAsync();
            var services = platform.Platform.App.Services;
            var target = await services.GetRequiredService<IModelTargets>().FindAsync(model, new ModelUser(Guid.Empty, "administrator"), TestContext.Current.CancellationToken);
            using (var lease = await services.GetRequiredService<WorkerPool>().LeaseAsync(target!.Model, TestContext.Current.CancellationToken))
            {
                using var process = System.Diagnostics.Process.GetProcessById(lease.Worker.ProcessId);
                process.Kill();
            }

            Assert.Contains("\"error\"", await stream.ReadToEndAsync(), StringComparison.Ordinal);
        }

        var again = await PostAsync(user, "/v1/completions", "breaks", body);
        Assert.False(again.Headers.Contains("Idempotency-Replayed"));
        Assert.Contains("[DONE]", await again.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        await platform.Administrator.DeleteAsync($"/api/v1/inference/models/{model}");
    }

    [Fact]
    public async Task After_a_restart_the_answer_is_the_same_and_the_database_alone_does_not_tell_it()
    {
        var folder = TemporaryFolder.Create("llmp-idempotency-");
        var arguments = PlatformFixture.Arguments(Path.Combine(folder.FullName, "data"), folder.FullName);
        string first;
        await using (var host = await Platform.StartAsync(arguments, adjust: null, TestContext.Current.CancellationToken))
        {
            using var administrator = await SignInAsync(host);
            first = await (await PostAsync(administrator, "/api/v1/auth/api-keys", "once", new { name = "survivor" })).Content.ReadAsStringAsync();
        }

        await using (var host = await Platform.StartAsync(arguments, adjust: null, TestContext.Current.CancellationToken))
        {
            using var administrator = await SignInAsync(host);
            Assert.Equal(first, await (await PostAsync(administrator, "/api/v1/auth/api-keys", "once", new { name = "survivor" })).Content.ReadAsStringAsync());
            await using var rows = host.App.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand("select string_agg(i::text, ' ') from shared.idempotency i");
            var text = (string)(await rows.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
            Assert.Contains("once", text, StringComparison.Ordinal);
            Assert.DoesNotContain("llmp_", text, StringComparison.Ordinal);
        }

        folder.Delete(recursive: true);
    }

    private static async Task<HttpClient> SignInAsync(Platform host)
    {
        using var client = Clients.At(host.Address);
        var answer = await client.PostAsJsonAsync("/api/v1/auth/token", new { email = PlatformFixture.Email, password = PlatformFixture.Password });
        return Clients.At(host.Address, (await answer.JsonAsync()).Text("accessToken"));
    }

    private static async Task<HttpResponseMessage> PostAsync(HttpClient client, string path, string key, object body)
    {
        using var request = Request(path, key, body);
        return await client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private static HttpRequestMessage Request(string path, string key, object body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        return request;
    }
}
