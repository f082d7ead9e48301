using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace LlmPlatform.ModuleTests.Support;

/// <summary>A server of one file that gives ranges, as a hub does, and that can be made to behave badly.</summary>
internal sealed class RangeServer : IAsyncDisposable
{
    private const int Piece = 16 << 10;
    private readonly byte[] content;
    private FileServer server = null!;
    private long mostSent;
    private long again;

    private RangeServer(byte[] content) => this.content = content;

    public Uri Address => new(server.Address, "model.gguf");

    /// <summary>Where each request began.</summary>
    public ConcurrentQueue<long> Starts { get; } = new();

    /// <summary>Bytes that were sent more than once.</summary>
    public long SentAgain => Interlocked.Read(ref again);

    public long MostSent => Interlocked.Read(ref mostSent);

    public string ETag { get; set; } = "\"one\"";

    public bool GivesRanges { get; set; } = true;

    /// <summary>Called before each piece, with its position in the file; a false ends the connection.</summary>
    public Func<long, CancellationToken, Task<bool>> MayGoOn { get; set; } = (_, _) => Task.FromResult(true);

    public static async Task<RangeServer> StartAsync(byte[] content)
    {
        var made = new RangeServer(content);
        made.server = await FileServer.StartAsync(made.AnswerAsync);
        return made;
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var range = GivesRanges ? context.Request.GetTypedHeaders().Range?.Ranges.First().From : null;
        var validator = context.Request.GetTypedHeaders().IfRange?.EntityTag?.ToString();
        var from = range is { } start && (validator is null || validator == ETag) ? start : 0;
        Starts.Enqueue(from);
        context.Response.Headers.ETag = ETag;
        context.Response.ContentLength = content.Length - from;
        if (from > 0)
        {
            context.Response.StatusCode = StatusCodes.Status206PartialContent;
            context.Response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {from}-{content.Length - 1}/{content.Length}");
        }

        for (var position = from; position < content.Length;)
        {
            if (!await MayGoOn(position, context.RequestAborted))
            {
                context.Abort();
                return;
            }

            var piece = (int)Math.Min(Piece, content.Length - position);
            await context.Response.Body.WriteAsync(content.AsMemory((int)position, piece), context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            Interlocked.Add(ref again, Math.Max(0, Math.Min(position + piece, MostSent) - position));
            position += piece;
            Interlocked.Exchange(ref mostSent, Math.Max(MostSent, position));
        }
    }
}
