using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace LlmPlatform.Chat.Notifications;

/// <summary>
/// Notices as server-sent events: first <c>ready</c>, then <c>conversation</c> and <c>install</c>, and <c>resync</c> where some may have been missed.
/// Numbers count within one stream; whoever comes back reads the lists again when it is ready.
/// </summary>
internal static class NoticeStream
{
    // Proxies cut connections that are silent for 30 seconds and more.
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private const int MostUnsent = 16 << 10;

    public static void MapNotifications(this IEndpointRouteBuilder routes) => routes.MapGet("/api/v1/chat/notifications", GetAsync)
        .RequireAuthorization().WithTags("Notifications").WithSummary("Hear what changes, for as long as the page is open")
        .Produces(200, contentType: "text/event-stream").ProducesProblem(429);

    public static async Task WriteAsync(HttpContext context, NoticeReader reader, TimeProvider time)
    {
        context.Response.ContentType = "text/event-stream; charset=utf-8";
        context.Response.Headers.CacheControl = "no-cache";
        context.Response.Headers["X-Accel-Buffering"] = "no";
        var output = context.Response.BodyWriter;
        long number = 0;
        while (true)
        {
            while (output.UnflushedBytes < MostUnsent && reader.TryRead(out var notice))
            {
                Write(output, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"id: {++number}\n")));
                Write(output, notice.Lines.Span);
            }

            var isFull = output.UnflushedBytes >= MostUnsent;
            if (!await FlushAsync(context, time))
            {
                return;
            }

            if (!isFull && !await WaitAsync(context, reader, time))
            {
                return;
            }
        }
    }

    private static async Task GetAsync(HttpContext context, NoticeBoard board, TimeProvider time)
    {
        var user = CurrentUser.From(context.User);
        using var reader = board.TryOpen(user.Id)
            ?? throw new Refusal(new Error(429, "stream.too_many", "You have too many pages open that listen. Close some of them."));
        await WriteAsync(context, reader, time);
    }

    /// <summary>Waits for a notice and keeps the connection alive meanwhile; false where there will be none.</summary>
    private static async Task<bool> WaitAsync(HttpContext context, NoticeReader reader, TimeProvider time)
    {
        var next = reader.WaitAsync(context.RequestAborted).AsTask();
        while (true)
        {
            try
            {
                return await next.WaitAsync(Heartbeat, time, CancellationToken.None);
            }
            catch (TimeoutException)
            {
                if (next.IsCompleted)
                {
                    return await next; // the notice came in the moment in which patience ran out
                }

                Write(context.Response.BodyWriter, ": keep-alive\n\n"u8);
                if (!await FlushAsync(context, time))
                {
                    return false;
                }
            }
        }
    }

    /// <summary>Sends what was written; a page that takes nothing for 30 seconds loses its connection, and false says so.</summary>
    private static async Task<bool> FlushAsync(HttpContext context, TimeProvider time)
    {
        var flush = context.Response.BodyWriter.FlushAsync(CancellationToken.None).AsTask();
        try
        {
            return !(await flush.WaitAsync(Patience, time, CancellationToken.None)).IsCompleted;
        }
        catch (TimeoutException)
        {
            if (flush.IsCompleted)
            {
                return !(await flush).IsCompleted; // it got through in the moment in which patience ran out
            }

            context.Abort();
            await Task.WhenAny(flush);
            return false;
        }
    }

    private static void Write(PipeWriter output, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(output.GetSpan(bytes.Length));
        output.Advance(bytes.Length);
    }
}
