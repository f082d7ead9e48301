using System.Buffers;
using System.Text;
using System.Text.Json;
using LlmPlatform.Chat.Conversations;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace LlmPlatform.Chat.Replies;

/// <summary>
/// Server-sent events of a reply. Every event carries as its id the place in the reply up to which its reader has read, so that <c>Last-Event-ID</c>
/// is all that is needed to go on, on any device and after any crash.
/// </summary>
internal sealed class ReplyEvents(HttpContext context)
{
    // Proxies cut connections that are silent for 30 seconds and more.
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    private const int DefaultPatience = 30;
    private static readonly byte[] KeepAlive = ": keep-alive\n\n"u8.ToArray();

    // Whoever takes nothing for so long (setting Chat:ReaderPatienceSeconds) is cut; what is unsent by then is in the connection's buffer of 64 KiB and nowhere else.
    private readonly TimeSpan patience = TimeSpan.FromSeconds(context.RequestServices.GetRequiredService<IConfiguration>().GetValue("Chat:ReaderPatienceSeconds", DefaultPatience));
    private readonly JsonSerializerOptions json = context.RequestServices.GetRequiredService<IOptions<JsonOptions>>().Value.SerializerOptions;

    public CancellationToken Ended => context.RequestAborted;

    public void Begin()
    {
        context.Response.ContentType = "text/event-stream; charset=utf-8";
        context.Response.Headers.CacheControl = "no-cache";
        context.Response.Headers["X-Accel-Buffering"] = "no";
    }

    public void Write<T>(string name, long id, T data)
    {
        var output = context.Response.BodyWriter;
        output.Write(Encoding.UTF8.GetBytes($"id: {id}\nevent: {name}\ndata: "));
        using (var writer = new Utf8JsonWriter(output, new JsonWriterOptions { Encoder = json.Encoder, SkipValidation = true }))
        {
            JsonSerializer.Serialize(writer, data, json);
        }

        output.Write("\n\n"u8);
    }

    /// <summary>Writes parts that begin at a place, and gives the place behind them.</summary>
    public long Write(Guid messageId, IReadOnlyList<MessagePart> parts, long place)
    {
        foreach (var part in parts)
        {
            place += part.Length;
            switch (part.Kind)
            {
                case PartKind.Text:
                    Write("delta", place, new TextPiece(messageId, part.Text));
                    break;
                case PartKind.Reasoning:
                    Write("reasoning", place, new TextPiece(messageId, part.Text));
                    break;
                case PartKind.ToolCall:
                    Write("toolCall", place, new ToolCallPiece(messageId, part.CallId, part.Name, part.Text));
                    break;
                case PartKind.ToolResult:
                    Write("toolResult", place, new ToolResultPiece(messageId, part.CallId, part.Name, part.Text, part.IsError));
                    break;
                case PartKind.Context:
                    Write("context", place, new ContextPiece(messageId, part.PromptTokens, part.DroppedMessages));
                    break;
                case PartKind.Continued:
                    Write("continued", place, new ContinuedPiece(messageId));
                    break;
            }
        }

        return place;
    }

    /// <summary>Writes the last event.</summary>
    public void Write(Guid messageId, ReplyOutcome outcome, long place, int droppedMessages)
    {
        if (outcome is { State: MessageState.Completed or MessageState.Stopped })
        {
            Write("done", place + 1, new ReplyDone(messageId, outcome.State, outcome.FinishReason, outcome.Usage, droppedMessages, outcome.Version));
        }
        else
        {
            var error = outcome.Error ?? new ReplyError("internal", "Something broke on our side.");
            Write("error", place + 1, new ReplyBroken(messageId, outcome.State, error.Code, error.Message, outcome.Usage, outcome.Version));
        }
    }

    /// <summary>Sends what was written. A reader that takes nothing is cut, and hurts nobody else by it.</summary>
    public async Task FlushAsync()
    {
        try
        {
            // Without a token: a flush that is cancelled costs the connection, and whoever ends the request may have a last event to send.
            await context.Response.BodyWriter.FlushAsync(CancellationToken.None).AsTask().WaitAsync(patience, Ended);
        }
        catch (TimeoutException)
        {
            context.Abort();
            throw new OperationCanceledException("The reader takes nothing.");
        }
    }

    /// <summary>Waits for what comes next, with a sign of life now and then.</summary>
    public async Task WaitAsync(Task next)
    {
        while (true)
        {
            try
            {
                await next.WaitAsync(Heartbeat, Ended);
                return;
            }
            catch (TimeoutException) when (!next.IsCompleted)
            {
                context.Response.BodyWriter.Write(KeepAlive);
                await FlushAsync();
            }
        }
    }
}

/// <summary>The data of <c>accepted</c>.</summary>
public sealed record ReplyAccepted(Guid ConversationId, Guid? UserMessageId, Guid MessageId, long Version);

/// <summary>The data of <c>delta</c> and <c>reasoning</c>.</summary>
public sealed record TextPiece(Guid MessageId, string Text);

/// <summary>The data of <c>context</c>: tokens of the prompt, and how many messages were left out of it.</summary>
public sealed record ContextPiece(Guid MessageId, int PromptTokens, int DroppedMessages);

/// <summary>The data of <c>continued</c>: what comes is behind a place where the reply broke off before.</summary>
public sealed record ContinuedPiece(Guid MessageId);

/// <summary>The data of <c>toolCall</c>.</summary>
public sealed record ToolCallPiece(Guid MessageId, string? CallId, string? Name, string Arguments);

/// <summary>The data of <c>toolResult</c>.</summary>
public sealed record ToolResultPiece(Guid MessageId, string? CallId, string? Name, string Text, bool IsError);

/// <summary>The data of <c>done</c>.</summary>
public sealed record ReplyDone(Guid MessageId, MessageState State, string? FinishReason, ReplyUsage? Usage, int DroppedMessages, long Version);

/// <summary>The data of <c>error</c>.</summary>
public sealed record ReplyBroken(Guid MessageId, MessageState State, string Code, string Message, ReplyUsage? Usage, long Version);
