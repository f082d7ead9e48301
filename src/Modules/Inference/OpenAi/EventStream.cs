using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Http;

namespace LlmPlatform.Inference.OpenAi;

/// <summary>Server-sent events as OpenAI's clients read them: <c>data: {…}</c>, at the end <c>data: [DONE]</c>.</summary>
internal static class EventStream
{
    // Proxies cut connections that are silent for 30 seconds and more.
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);
    private const int MostUnsent = 16 << 10;
    private static readonly byte[] Start = "data: "u8.ToArray();
    private static readonly byte[] Stop = "\n\n"u8.ToArray();
    private static readonly byte[] KeepAlive = ": keep-alive\n\n"u8.ToArray();
    private static readonly byte[] Done = "data: [DONE]\n\n"u8.ToArray();

    /// <summary>
    /// Writes what <paramref name="toChunks"/> makes of each event. Until something was written, a failure is an HTTP error like any other;
    /// after that it is one last <c>data: {"error":…}</c>.
    /// </summary>
    public static async Task WriteAsync<T>(
        HttpContext context, IAsyncEnumerable<T> events, Func<T, IEnumerable<Answer>> toChunks, TimeProvider time)
    {
        await using var reader = events.GetAsyncEnumerator(context.RequestAborted);
        var hasWritten = false;
        try
        {
            var next = reader.MoveNextAsync().AsTask();
            while (await NextAsync(next, context, time))
            {
                Begin(context);
                foreach (var chunk in toChunks(reader.Current))
                {
                    Write(context, chunk, AnswerJson.Plain.Answer);
                    hasWritten = true;
                }

                // What has come together is sent together: a fast model's tokens cost one system call and not one each.
                next = reader.MoveNextAsync().AsTask();
                if (!next.IsCompleted || context.Response.BodyWriter.UnflushedBytes > MostUnsent)
                {
                    await FlushAsync(context, next);
                }
            }

            Write(context.Response.BodyWriter, Done);
        }
        catch (GenerationException failure) when (hasWritten || context.Response.HasStarted)
        {
            context.Features.Set(new AnswerFailed());
            var error = new Error(failure.Status, failure.Code, failure.Message, failure.Param);
            var line = $"data: {Roads.Body(Roads.Of(context.Request.Path), error).ToJsonString()}\n\n";
            Write(context.Response.BodyWriter, Encoding.UTF8.GetBytes(line));
        }

        await context.Response.BodyWriter.FlushAsync(CancellationToken.None);
    }

    private static async Task FlushAsync(HttpContext context, Task<bool> next)
    {
        try
        {
            // Without a token: a flush that is cancelled costs the connection, and whoever ends the request may have a last event to send.
            await context.Response.BodyWriter.FlushAsync(CancellationToken.None);
        }
        catch
        {
            // The generation hears of it through the same token, and has to be over before it is disposed.
            await Task.WhenAny(next);
            throw;
        }
    }

    private static async Task<bool> NextAsync(Task<bool> next, HttpContext context, TimeProvider time)
    {
        try
        {
            while (true)
            {
                try
                {
                    return await next.WaitAsync(Heartbeat, time, context.RequestAborted);
                }
                catch (TimeoutException)
                {
                    if (next.IsCompleted)
                    {
                        return await next; // the event came in the moment in which patience ran out
                    }

                    Begin(context);
                    await context.Response.Body.WriteAsync(KeepAlive, CancellationToken.None);
                    await context.Response.Body.FlushAsync(CancellationToken.None);
                }
            }
        }
        finally
        {
            // The reader may have gone. The generation hears of it through the same token, and has to be over before it is disposed.
            await Task.WhenAny(next);
        }
    }

    private static void Begin(HttpContext context)
    {
        if (!context.Response.HasStarted)
        {
            context.Response.ContentType = "text/event-stream; charset=utf-8";
            context.Response.Headers.CacheControl = "no-cache";
            context.Response.Headers["X-Accel-Buffering"] = "no";
        }
    }

    private static void Write<T>(HttpContext context, T chunk, JsonTypeInfo<T> type)
    {
        var output = context.Response.BodyWriter;
        Write(output, Start);
        using (var json = new Utf8JsonWriter(output, new JsonWriterOptions { Encoder = type.Options.Encoder, SkipValidation = true }))
        {
            JsonSerializer.Serialize(json, chunk, type);
        }

        Write(output, Stop);
    }

    private static void Write(System.IO.Pipelines.PipeWriter output, byte[] bytes)
    {
        bytes.CopyTo(output.GetSpan(bytes.Length));
        output.Advance(bytes.Length);
    }
}
