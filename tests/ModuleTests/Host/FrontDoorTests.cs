using System.Net;
using LlmPlatform.Host.Web;
using LlmPlatform.ModuleTests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Xunit;

namespace LlmPlatform.ModuleTests.Host;

/// <summary>A15 to A19: what comes before any handler.</summary>
public sealed class FrontDoorTests(PlatformFixture platform)
{
    public static TheoryData<string> Doors => ["/", "/setup", "/scalar", "/health/live", "/v1/models", "/api/v1/auth/me", "/api/tags", "/nothing"];

    [Theory]
    [InlineData("attacker.example", false)]
    [InlineData("attacker.example:8080", false)]
    [InlineData("localhost.attacker.example", false)]
    [InlineData("127.0.0.1.attacker.example", false)]
    [InlineData("", false)]
    [InlineData("localhost", true)]
    [InlineData("LOCALHOST:8080", true)]
    [InlineData("127.0.0.1:8080", true)]
    [InlineData("[::1]:8080", true)]
    [InlineData("192.168.1.7", true)]
    [InlineData("llm.example.com", true)]
    [InlineData("intern", true)]
    public void A_name_is_this_servers_if_somebody_said_so(string host, bool isOurs)
    {
        var settings = new Dictionary<string, string?> { ["PublicUrl"] = "https://llm.example.com/", ["Hosts:0"] = "intern", ["Urls"] = "http://127.0.0.1:8080;http://+:80" };
        Assert.Equal(isOurs, new HostNames(new ConfigurationBuilder().AddInMemoryCollection(settings).Build()).Are(new HostString(host)));
    }

    [Fact]
    public async Task A_request_for_another_name_is_refused_before_anything_else()
    {
        foreach (var path in (string[])["/v1/models", "/api/v1/auth/me", "/setup"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Host = "attacker.example" } };
            var answer = await platform.Administrator.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.Contains("host.not_allowed", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
    }

    [Theory, MemberData(nameof(Doors))]
    public async Task Every_answer_says_what_a_browser_may_do_with_it(string path)
    {
        var answer = await platform.Client.GetAsync(path);
        Assert.Contains("frame-ancestors 'none'", answer.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Equal("no-referrer", answer.Headers.GetValues("Referrer-Policy").Single());
        Assert.Equal(32, answer.Headers.GetValues("X-Request-Id").Single().Length);
    }

    [Fact]
    public async Task What_somebody_who_signed_in_gets_is_kept_by_no_cache_and_has_an_id_of_its_own()
    {
        var (first, second) = (await platform.Administrator.GetAsync("/api/v1/auth/me"), await platform.Administrator.GetAsync("/api/v1/auth/me"));
        Assert.True(first.Headers.CacheControl!.NoStore);
        Assert.NotEqual(first.Headers.GetValues("X-Request-Id").Single(), second.Headers.GetValues("X-Request-Id").Single());
    }

    [Theory]
    [InlineData("https://evil.example")]
    [InlineData("null")]
    public async Task No_other_site_may_read_answers(string origin)
    {
        foreach (var method in (HttpMethod[])[HttpMethod.Options, HttpMethod.Get])
        {
            using var request = new HttpRequestMessage(method, "/v1/models");
            request.Headers.Add("Origin", origin);
            request.Headers.Add("Access-Control-Request-Method", "POST");
            var answer = await platform.Administrator.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.DoesNotContain(answer.Headers, header => header.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
        }
    }

    [Fact]
    public async Task A_form_of_another_site_is_no_json_and_a_header_is_no_method()
    {
        using var form = new StringContent("{\"name\":\"Mallory\"}", System.Text.Encoding.UTF8, "text/plain");
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await platform.Administrator.PostAsync("/api/v1/auth/api-keys", form)).StatusCode);
        using var hidden = new HttpRequestMessage(HttpMethod.Post, $"/api/v1/inference/models/{PlatformFixture.Model}");
        hidden.Headers.Add("X-HTTP-Method-Override", "DELETE");
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await platform.Administrator.SendAsync(hidden, TestContext.Current.CancellationToken)).StatusCode);
        using var trace = new HttpRequestMessage(HttpMethod.Trace, "/v1/models");
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await platform.Administrator.SendAsync(trace, TestContext.Current.CancellationToken)).StatusCode);
    }

    [Theory]
    [InlineData("/v1/models/..;/api/v1/auth/users")]
    [InlineData("/v1/%2e%2e/api/v1/auth/users")]
    [InlineData("/API/V1/AUTH/USERS/")]
    [InlineData("//api//v1//auth//users")]
    [InlineData("/api/v1/auth/users.")]
    public async Task A_path_that_is_spelled_otherwise_opens_nothing_more(string path)
    {
        using var user = await platform.UserAsync();
        Assert.Contains((await user.GetAsync(new Uri($"{platform.Platform.Address.ToString().TrimEnd('/')}{path}"))).StatusCode, new[] { HttpStatusCode.Forbidden, HttpStatusCode.NotFound });
    }

    [Theory]
    [InlineData(null, "203.0.113.9", "127.0.0.1", "http")]
    [InlineData("10.0.0.0/8", "203.0.113.9", "127.0.0.1", "http")]
    [InlineData("127.0.0.1/32", "203.0.113.9", "203.0.113.9", "https")]
    [InlineData("127.0.0.1/32", "198.51.100.1, 203.0.113.9", "203.0.113.9", "https")] // what a client wrote itself stands first
    [InlineData("127.0.0.1/32", "nonsense", "127.0.0.1", "http")]
    public async Task A_proxy_is_believed_if_an_operator_named_it(string? proxies, string forwarded, string address, string scheme)
    {
        var builder = WebApplication.CreateSlimBuilder(proxies is null ? [] : [$"--Proxies:0={proxies}"]);
        builder.Logging.ClearProviders();
        builder.AddFrontDoor();
        await using var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.UseFrontDoor();
        app.MapGet("/", (HttpContext context) => $"{context.Connection.RemoteIpAddress?.MapToIPv4()} {context.Request.Scheme}");
        await app.StartAsync(TestContext.Current.CancellationToken);
        using var client = Clients.At(new Uri(app.Urls.First()));
        client.DefaultRequestHeaders.Add("X-Forwarded-For", forwarded);
        client.DefaultRequestHeaders.Add("X-Forwarded-Proto", "https");
        Assert.Equal($"{address} {scheme}", await client.GetStringAsync("/", TestContext.Current.CancellationToken));
    }
}
