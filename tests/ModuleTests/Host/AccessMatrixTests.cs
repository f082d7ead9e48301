using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.RegularExpressions;
using LlmPlatform.ModuleTests.Chat;
using LlmPlatform.ModuleTests.Support;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace LlmPlatform.ModuleTests.Host;

/// <summary>
/// A65: every verb of every resource, for its owner, another user, somebody it is shared with, an administrator and a stranger. The routes are the
/// host's own, so a new one is asked without anybody thinking of it, and one that names a thing fails until somebody says whose such things are.
/// </summary>
public sealed partial class AccessMatrixTests : IAsyncLifetime
{
    private const string Unknown = "01930000-0000-7000-8000-00000000dead";

    // Whose are the things that a route names?
    private static readonly Dictionary<string, Owner> Owners = new()
    {
        ["/api/v1/auth/api-keys/{id}"] = Owner.Person,
        ["/api/v1/auth/sessions/{id}"] = Owner.Person,
        ["/api/v1/auth/users/{id}/avatar"] = Owner.Everybody,
        ["/api/v1/chat/tool-servers/{name}"] = Owner.Rights,
        ["/api/v1/chat/conversations/{conversationId}"] = Owner.Person,
        ["/api/v1/chat/folders/{folderId}"] = Owner.Person,
        ["/api/v1/chat/shared/{tokenOrId}"] = Owner.Named, // `ShareConversationTests` has those that are named
        ["/api/v1/chat/shares/{shareId}"] = Owner.Person,
        ["/api/v1/explore/hub/models/{owner}/{name}"] = Owner.Everybody, // public anyway
        ["/api/v1/explore/models/{*key}"] = Owner.Everybody, // `SetRightsTests` has the rights of installed ones
        ["/api/v1/inference/models/{name}"] = Owner.Rights,
        ["/api/v1/inference/presets/{name}"] = Owner.Rights,
        ["/v1/models/{*model}"] = Owner.Rights,
    };

    private OwnPlatform platform = null!;

    private enum Owner
    {
        /// <summary>One person; not even administrators see them.</summary>
        Person,

        /// <summary>Whoever has rights to them, and those who manage them.</summary>
        Rights,

        /// <summary>Whoever is named or holds a link, while it lasts.</summary>
        Named,

        /// <summary>Whoever is signed in.</summary>
        Everybody,
    }

    public async ValueTask InitializeAsync() => platform = await OwnPlatform.StartAsync(clock: null);

    public ValueTask DisposeAsync() => platform.DisposeAsync();

    [Fact]
    public async Task A_route_lets_in_whom_it_says_and_nobody_else()
    {
        using var user = await UserAsync("user");
        using var pending = await UserAsync("pending");
        using var narrow = await KeyAsync(user, "inference");
        var wrong = new List<string>();
        foreach (var route in Routes())
        {
            await ExpectAsync("stranger", platform.Client, route, HttpStatusCode.Unauthorized);
            await ExpectAsync("pending", pending, route, HttpStatusCode.Forbidden);
            if (route.Policy is not null)
            {
                await ExpectAsync("user", user, route, HttpStatusCode.Forbidden);
                await ExpectAsync("key for generating text", narrow, route, HttpStatusCode.Forbidden);
            }
            else if (route.Path.StartsWith("/api/v1/auth", StringComparison.Ordinal))
            {
                await ExpectAsync("key for generating text", narrow, route, HttpStatusCode.Forbidden);
            }

            // An administrator passes the door; what is behind it may still say that there is no such thing, or that the body is none.
            // This one comes by a key, which would survive that the sessions end, and no key changes keys.
            var status = await StatusAsync(platform.Administrator, route);
            if (status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden && !route.Path.StartsWith("/api/v1/auth/api-keys", StringComparison.Ordinal))
            {
                wrong.Add($"administrator: {route} answers {(int)status}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));

        async Task ExpectAsync(string who, HttpClient client, Route route, HttpStatusCode expected)
        {
            var status = await StatusAsync(client, route);
            if (status != expected)
            {
                wrong.Add($"{who}: {route} answers {(int)status} and not {(int)expected}");
            }
        }
    }

    [Fact]
    public void Somebody_has_said_whose_the_things_are_that_a_route_names() =>
        Assert.Empty(Routes().Where(route => route.Policy is null && route.Names && OwnerOf(route) is null).Select(route => route.ToString()));

    [Fact]
    public async Task What_belongs_to_one_person_is_for_everybody_else_what_does_not_exist()
    {
        using var owner = await UserAsync("user");
        using var other = await UserAsync("user");
        await platform.InstallTinyAsync("tiny");
        var routes = Routes().Where(route => OwnerOf(route) == Owner.Person && route.Policy is null)
            .OrderBy(route => route.Path.Contains("/sessions/", StringComparison.Ordinal)).ToList(); // who ends the own session is a stranger a moment later
        Assert.NotEmpty(routes);
        foreach (var route in routes)
        {
            var id = await MakeAsync(owner, route.Path);
            foreach (var client in (HttpClient[])[other, platform.Administrator])
            {
                Assert.Equal(await AnswerAsync(client, route, Unknown), await AnswerAsync(client, route, id));
            }

            Assert.Equal(HttpStatusCode.Unauthorized, (await SendAsync(platform.Client, route, id)).StatusCode);
            Assert.NotInRange((int)(await SendAsync(owner, route, id)).StatusCode, 401, 404); // it was there all the time
        }
    }

    [Fact]
    public async Task What_is_shared_is_there_for_those_it_is_shared_with_and_for_nobody_else()
    {
        using var member = await UserAsync("user");
        using var other = await UserAsync("user");
        await platform.InstallTinyAsync("shared-model");
        (await platform.Administrator.PutAsJsonAsync("/api/v1/auth/groups/insiders", new { title = "Insiders" })).EnsureSuccessStatusCode();
        var id = (await member.GetJsonAsync("/api/v1/auth/me")).Text("id");
        (await platform.Administrator.PutAsync($"/api/v1/auth/groups/insiders/members/{id}", null)).EnsureSuccessStatusCode();
        var rights = new { everyone = false, roles = Array.Empty<string>(), users = Array.Empty<Guid>(), groups = new[] { "insiders" } };
        (await platform.Administrator.PutAsJsonAsync("/api/v1/inference/models/shared-model/rights", rights)).EnsureSuccessStatusCode();
        var preset = new { @base = "shared-model" }; // with the rights of its model
        Assert.True((await platform.Administrator.PutAsJsonAsync("/api/v1/inference/presets/shared-preset", preset)).IsSuccessStatusCode);
        await using var tools = await ToolServerHost.StartAsync();
        await platform.Administrator.SaveToolServerAsync("shared-tools", new { title = "Shared", address = tools.Address, groups = new[] { "insiders" } });

        var routes = Routes().Where(route => OwnerOf(route) == Owner.Rights && route is { Verb: "GET", Policy: null }).ToList();
        Assert.NotEmpty(routes);
        foreach (var route in routes)
        {
            var name = route.Path.Contains("preset", StringComparison.Ordinal) ? "shared-preset"
                : route.Path.Contains("tool-server", StringComparison.Ordinal) ? "shared-tools"
                : "shared-model";
            await Eventually.Async(async () => (await SendAsync(member, route, name)).StatusCode, status => status == HttpStatusCode.OK); // groups are remembered for some seconds
            Assert.Equal(HttpStatusCode.OK, (await SendAsync(platform.Administrator, route, name)).StatusCode);
            Assert.Equal(HttpStatusCode.Unauthorized, (await SendAsync(platform.Client, route, name)).StatusCode);
            Assert.Equal((await AnswerAsync(other, route, "no-such-thing")).Replace("no-such-thing", name, StringComparison.Ordinal), await AnswerAsync(other, route, name));
        }
    }

    private static Owner? OwnerOf(Route route) =>
        Owners.Where(o => route.Path == o.Key || route.Path.StartsWith($"{o.Key}/", StringComparison.Ordinal)).Select(o => (Owner?)o.Value).FirstOrDefault();

    /// <summary>Every route that is not open to strangers.</summary>
    private List<Route> Routes() =>
    [
        .. platform.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .Where(e => e.Metadata.GetMetadata<IAllowAnonymous>() is null && e.Metadata.GetMetadata<IAuthorizeData>() is not null)
            .SelectMany(e => (e.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET"]).Select(verb => new Route(
                verb,
                Constraint().Replace($"/{e.RoutePattern.RawText!.TrimStart('/')}", "}"),
                e.Metadata.GetOrderedMetadata<IAuthorizeData>().Select(data => data.Policy).FirstOrDefault(policy => policy is not null))))
            .DistinctBy(route => route.ToString()),
    ];

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, Route route)
    {
        using var answer = await SendAsync(client, route, Unknown);
        return answer.StatusCode;
    }

    /// <summary>All that a client can tell apart, but for the id of the request.</summary>
    private static async Task<string> AnswerAsync(HttpClient client, Route route, string id)
    {
        using var answer = await SendAsync(client, route, id);
        var headers = string.Join(',', answer.Headers.Select(h => h.Key).Order(StringComparer.Ordinal));
        return $"{(int)answer.StatusCode} {headers} {TraceId().Replace(await answer.Content.ReadAsStringAsync(), "")}";
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient client, Route route, string id)
    {
        using var request = new HttpRequestMessage(new HttpMethod(route.Verb), Fill(route.Path, id));
        if (route.Verb is not ("GET" or "HEAD"))
        {
            request.Content = new StringContent("{}", Encoding.UTF8, "application/json");
        }

        return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken); // some answers never end
    }

    /// <summary>The ids that a route names, of things that have just been made; a message's after its conversation's.</summary>
    private static async Task<string> MakeAsync(HttpClient owner, string path)
    {
        if (path.Contains("sessions", StringComparison.Ordinal))
        {
            return (await owner.GetJsonAsync("/api/v1/auth/sessions")).GetProperty("items")[0].Text("id")!;
        }

        if (path.Contains("api-keys", StringComparison.Ordinal))
        {
            return await IdOfAsync("/api/v1/auth/api-keys", new { name = "mine" });
        }

        if (path.Contains("folders", StringComparison.Ordinal))
        {
            return await IdOfAsync("/api/v1/chat/folders", new { name = "mine" });
        }

        var conversation = await IdOfAsync("/api/v1/chat/conversations", new { model = "tiny" });
        var reply = (await owner.SayAsync(conversation, new { content = "Hello", maxTokens = 1 })).MessageOf();
        return path.Contains("{shareId}", StringComparison.Ordinal) ? await IdOfAsync($"/api/v1/chat/conversations/{conversation}/shares", new { kind = "link" })
            : path.Contains("{messageId}", StringComparison.Ordinal) ? $"{conversation} {reply}"
            : conversation;

        async Task<string> IdOfAsync(string route, object body) => (await (await owner.PostAsJsonAsync(route, body)).JsonAsync()).Text("id")!;
    }

    private async Task<HttpClient> UserAsync(string role)
    {
        var email = $"{Guid.CreateVersion7():n}@example.com";
        var created = await platform.Administrator.PostAsJsonAsync("/api/v1/auth/users", new { email, name = email.Split('@')[0], password = PlatformFixture.Password, role });
        created.EnsureSuccessStatusCode();
        return await platform.SignInAsync(email, PlatformFixture.Password);
    }

    private async Task<HttpClient> KeyAsync(HttpClient owner, string scope) =>
        platform.NewClient((await (await owner.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "narrow", scopes = new[] { scope } })).JsonAsync()).Text("key"));

    private static string Fill(string path, string ids)
    {
        var left = new Queue<string>(ids.Split(' '));
        return Parameter().Replace(path, _ => left.Count > 1 ? left.Dequeue() : left.Peek());
    }

    [GeneratedRegex(@":[a-z]+(\(.*?\))?\}")]
    private static partial Regex Constraint();

    [GeneratedRegex(@"\{[^}]+\}")]
    private static partial Regex Parameter();

    [GeneratedRegex("\"traceId\":\"[0-9a-f]+\"")]
    private static partial Regex TraceId();

    private sealed record Route(string Verb, string Path, string? Policy)
    {
        public bool Names => Path.Contains('{', StringComparison.Ordinal);

        public override string ToString() => $"{Verb} {Path}";
    }
}
