using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.OpenAi;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

public sealed class EventStreamTests
{
    private readonly FakeTimeProvider clock = new();
    private readonly Channel<GenerationEvent> news = Channel.CreateUnbounded<GenerationEvent>();
    private readonly Answering response = new();
    private readonly DefaultHttpContext context = new();

    public EventStreamTests()
    {
        context.Features.Set<IHttpResponseBodyFeature>(response);
        context.Features.Set<IHttpResponseFeature>(response);
        context.Request.Path = "/v1/chat/completions";
    }

    [Fact]
    public async Task A_failure_before_the_first_event_is_left_to_the_error_page()
    {
        news.Writer.Complete(new GenerationException(404, "model_not_found", "No."));
        await Assert.ThrowsAsync<GenerationException>(WriteAsync);
        Assert.Equal("", response.Text);
        Assert.Null(context.Response.ContentType);
    }

    [Fact]
    public async Task A_failure_after_the_first_event_is_the_last_event()
    {
        news.Writer.TryWrite(new TextDelta("a", 1));
        news.Writer.Complete(new GenerationException(502, "engine.crashed", "It ended."));
        await WriteAsync();
        var events = response.Events;
        Assert.Equal(2, events.Length);
        Assert.Equal("engine.crashed", (string?)JsonNode.Parse(events[1])!["error"]!["code"]);
        Assert.DoesNotContain("[DONE]", response.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reader_that_goes_ends_the_generation_before_it_is_disposed()
    {
        using var gone = new CancellationTokenSource();
        context.RequestAborted = gone.Token;
        var writing = WriteAsync();
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);
    }

    [Fact]
    public async Task A_long_silence_is_filled_with_comments()
    {
        var writing = WriteAsync();
        clock.Advance(TimeSpan.FromSeconds(15));
        await response.WrittenAsync(": keep-alive\n\n", TestContext.Current.CancellationToken);
        Assert.Equal("text/event-stream; charset=utf-8", context.Response.ContentType);
        news.Writer.Complete();
        await writing;
        Assert.Equal(": keep-alive\n\ndata: [DONE]\n\n", response.Text);
    }

    [Fact]
    public async Task Text_is_written_as_it_is_and_the_end_is_marked()
    {
        news.Writer.TryWrite(new TextDelta("á \"x\"\n", 1));
        news.Writer.Complete();
        await WriteAsync();
        Assert.Equal(2, response.Events.Length);
        Assert.Contains("""{"index":0,"delta":{"content":"á \"x\"\n"},"logprobs":null,"finish_reason":null}""", response.Events[0], StringComparison.Ordinal);
        Assert.Equal("[DONE]", response.Events[1]);
        Assert.Equal("no", context.Response.Headers["X-Accel-Buffering"]);
        Assert.Equal("no-cache", context.Response.Headers.CacheControl);
    }

    private Task WriteAsync() => EventStream.WriteAsync(
        context,
        news.Reader.ReadAllAsync(context.RequestAborted),
        e => e is TextDelta delta ? [new Answer("id", "chat.completion.chunk", 1, "m", [new Choice(0) { Delta = new ChatDelta { Content = delta.Text } }])] : [],
        clock);

    /// <summary>A response that has started once something was flushed, as on a server.</summary>
    private sealed class Answering : HttpResponseFeature, IHttpResponseBodyFeature
    {
        private readonly Recorder recorder = new();
        private readonly StreamResponseBodyFeature body;

        public Answering() => body = new StreamResponseBodyFeature(recorder);

        public override bool HasStarted => recorder.Length > 0;

        public string Text => recorder.Text;

        public string[] Events => [.. Text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(e => e["data: ".Length..])];

        public Stream Stream => body.Stream;

        public System.IO.Pipelines.PipeWriter Writer => body.Writer;

        public Task WrittenAsync(string text, CancellationToken cancellation) => recorder.WrittenAsync(text, cancellation);

        public void DisableBuffering() => body.DisableBuffering();

        public Task StartAsync(CancellationToken cancellationToken = default) => body.StartAsync(cancellationToken);

        public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
            body.SendFileAsync(path, offset, count, cancellationToken);

        public Task CompleteAsync() => body.CompleteAsync();
    }

    private sealed class Recorder : MemoryStream
    {
        private readonly Channel<string> states = Channel.CreateUnbounded<string>();

        public string Text => Encoding.UTF8.GetString(ToArray());

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await base.WriteAsync(buffer, cancellationToken);
            states.Writer.TryWrite(Text);
        }

        public async Task WrittenAsync(string text, CancellationToken cancellation)
        {
            while (await states.Reader.ReadAsync(cancellation) != text)
            {
            }
        }
    }
}
