using System.Collections.Concurrent;
using System.Text.Json;
using LlmPlatform.ModuleTests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ModelContextProtocol.Protocol;
using Xunit;

namespace LlmPlatform.ModuleTests.Chat;

/// <summary>A real tool server on this machine. It has the tools that a test gives it, and remembers what it was asked.</summary>
internal sealed class ToolServerHost : IAsyncDisposable
{
    private WebApplication app = null!;

    public Uri Address => new(new Uri(app.Urls.First()), "/mcp");

    /// <summary>The tools that were called.</summary>
    public ConcurrentQueue<string> Called { get; } = new();

    /// <summary>What each request showed as its credential.</summary>
    public ConcurrentQueue<string> Credentials { get; } = new();

    public ConcurrentDictionary<string, Func<IDictionary<string, JsonElement>, CancellationToken, Task<CallToolResult>>> Tools { get; } = new();

    /// <summary>How many tools one page of the list has.</summary>
    public int PageSize { get; set; } = 1000;

    /// <summary>Each page of the list names a next one, without end.</summary>
    public bool IsEndless { get; set; }

    /// <summary>What every tool takes.</summary>
    public string Schema { get; set; } = """{"type":"object","properties":{"text":{"type":"string"},"count":{"type":"integer"}},"required":["text"]}""";

    public static async Task<ToolServerHost> StartAsync()
    {
        var made = new ToolServerHost();
        made.Say("echo", (arguments, _) => Task.FromResult(Text(arguments["text"].GetString()!)));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddMcpServer().WithHttpTransport()
            .WithListToolsHandler((request, _) => ValueTask.FromResult(made.List(request.Params?.Cursor)))
            .WithCallToolHandler(async (request, cancellation) =>
            {
                made.Called.Enqueue(request.Params!.Name);
                return await made.Tools[request.Params.Name](request.Params.Arguments ?? new Dictionary<string, JsonElement>(), cancellation);
            });
        made.app = builder.Build();
        made.app.Use(next => context =>
        {
            made.Credentials.Enqueue(context.Request.Headers.Authorization.ToString());
            return next(context);
        });
        made.app.MapMcp("/mcp");
        await made.app.StartAsync();
        return made;
    }

    public void Say(string tool, Func<IDictionary<string, JsonElement>, CancellationToken, Task<CallToolResult>> answer) => Tools[tool] = answer;

    public static CallToolResult Text(string text) => new() { Content = [new TextContentBlock { Text = text }] };

    /// <summary>Registers this server with a platform, for everyone, under a name of its own.</summary>
    public async Task<string> RegisterAsync(HttpClient administrator, string? token = null)
    {
        var name = $"s-{Guid.CreateVersion7():n}"[..32];
        await administrator.SaveToolServerAsync(name, new { title = "Tools", address = Address, token });
        return name;
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await app.StopAsync(now.Token);
        await app.DisposeAsync();
    }

    private ListToolsResult List(string? cursor)
    {
        var from = int.Parse(cursor ?? "0", System.Globalization.CultureInfo.InvariantCulture);
        var names = Tools.Keys.Order(StringComparer.Ordinal).Skip(IsEndless ? 0 : from).Take(PageSize).ToArray();
        return new ListToolsResult
        {
            Tools = [.. names.Select(name => new Tool { Name = name, Description = $"Does {name}.", InputSchema = JsonElement.Parse(Schema) })],
            NextCursor = IsEndless || from + PageSize < Tools.Count ? $"{from + PageSize}" : null,
        };
    }
}

internal static class ToolClients
{
    public const string Servers = "/api/v1/chat/tool-servers";

    public static async Task<JsonElement> SaveToolServerAsync(this HttpClient administrator, string name, object body)
    {
        var answer = await System.Net.Http.Json.HttpClientJsonExtensions.PutAsJsonAsync(administrator, $"{Servers}/{name}", body, TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return await answer.JsonAsync();
    }

    public static Task<HttpResponseMessage> ConsentAsync(this HttpClient user, string server, params string[] tools) =>
        System.Net.Http.Json.HttpClientJsonExtensions.PutAsJsonAsync(user, $"{Servers}/{server}/consent", new { tools }, TestContext.Current.CancellationToken);

    public static async Task<JsonElement?> FindToolServerAsync(this HttpClient client, string name) =>
        (await client.GetJsonAsync(Servers)).GetProperty("items").EnumerateArray().Where(s => s.Text("name") == name).Select(s => (JsonElement?)s).FirstOrDefault();

    public static async Task<string> CodeAsync(this HttpResponseMessage answer) => $"{(int)answer.StatusCode} {(await answer.JsonAsync()).Text("code")}";
}
