using System.Collections.Concurrent;
using LlmPlatform.ModuleTests.Support;
using Microsoft.AspNetCore.Http;

namespace LlmPlatform.ModuleTests.Explore;

/// <summary>A hub on this machine that says what a test wants, and remembers what it was asked.</summary>
internal sealed class HubServer : IAsyncDisposable
{
    private FileServer server = null!;

    public Uri Address => server.Address;

    /// <summary>Paths with their queries, and who asked.</summary>
    public ConcurrentQueue<(string Path, string? Authorization)> Asked { get; } = new();

    /// <summary>Answers by path; a path that is not there is not found.</summary>
    public ConcurrentDictionary<string, RequestDelegate> Answers { get; } = new();

    public int Count(string path) => Asked.Count(asked => asked.Path.Split('?')[0] == path);

    public void Say(string path, string body) => Answers[path] = context => context.Response.WriteAsync(body);

    public void Refuse(string path, int status, string? retryAfter = null) => Answers[path] = context =>
    {
        context.Response.StatusCode = status;
        context.Response.Headers.RetryAfter = retryAfter;
        return Task.CompletedTask;
    };

    public static async Task<HubServer> StartAsync()
    {
        var made = new HubServer();
        made.server = await FileServer.StartAsync(context =>
        {
            made.Asked.Enqueue(($"{context.Request.Path}{context.Request.QueryString}", context.Request.Headers.Authorization));
            if (made.Answers.TryGetValue(context.Request.Path, out var answer))
            {
                return answer(context);
            }

            context.Response.StatusCode = 404;
            return Task.CompletedTask;
        });
        return made;
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();
}
