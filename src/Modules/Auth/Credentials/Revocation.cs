using System.Security.Claims;
using System.Text;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Http;

namespace LlmPlatform.Auth.Credentials;

/// <summary>
/// Ends what runs for somebody who may no longer ask for it: it looks again every second, at what is at most three seconds old, on every road and for
/// every kind of answer. An answer that has begun gets the refusal as its last event.
/// </summary>
internal sealed class Revocation(RequestDelegate next, Credentials credentials, TimeProvider clock)
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    public async Task InvokeAsync(HttpContext context)
    {
        if (context.User.Identity is not { IsAuthenticated: true })
        {
            await next(context);
            return;
        }

        var reader = context.RequestAborted;
        using var revoked = new CancellationTokenSource();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(reader, revoked.Token);
        using var timer = new PeriodicTimer(Look, clock);
        var watching = WatchAsync(context.User, timer, revoked);
        context.RequestAborted = ending.Token;
        context.Features.Set(new AccessEnded(revoked.Token));
        try
        {
            await next(context);
        }
        catch (Exception) when (revoked.IsCancellationRequested && !reader.IsCancellationRequested)
        {
            context.RequestAborted = reader;
            await EndAsync(context, new Error(401, "token.revoked", "Your access was ended while this was under way."));
        }
        finally
        {
            context.RequestAborted = reader;
            timer.Dispose(); // ends the watch without an exception, which every request would pay for
            await watching;
        }
    }

    private async Task WatchAsync(ClaimsPrincipal user, PeriodicTimer timer, CancellationTokenSource revoked)
    {
        while (await timer.WaitForNextTickAsync())
        {
            if (!await IsGoodAsync(user, revoked.Token))
            {
                await revoked.CancelAsync();
                return;
            }
        }
    }

    private async ValueTask<bool> IsGoodAsync(ClaimsPrincipal user, CancellationToken cancellation)
    {
        try
        {
            return await credentials.IsGoodAsync(user, cancellation);
        }
        catch (Exception unknown) when (unknown is not OutOfMemoryException)
        {
            return true; // a database that does not answer revokes nothing
        }
    }

    private static async Task EndAsync(HttpContext context, Error error)
    {
        if (!context.Response.HasStarted)
        {
            throw new Refusal(error);
        }

        var road = Roads.Of(context.Request.Path);
        var body = Roads.Body(road, error).ToJsonString();
        var last = context.Response.ContentType switch
        {
            { } type when type.StartsWith("text/event-stream", StringComparison.Ordinal) => road == Road.OpenAi ? $"data: {body}\n\n" : $"event: error\ndata: {body}\n\n",
            { } type when type.StartsWith("application/x-ndjson", StringComparison.Ordinal) => body + "\n",
            _ => null,
        };
        if (last is null)
        {
            context.Abort(); // half a document must not look like a whole one
            return;
        }

        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(last), context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }
}
