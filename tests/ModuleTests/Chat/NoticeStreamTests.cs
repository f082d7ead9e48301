using System.Text;
using LlmPlatform.Chat.Contracts;
using LlmPlatform.Chat.Notifications;
using LlmPlatform.ModuleTests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Xunit;

namespace LlmPlatform.ModuleTests.Chat;

/// <summary>How one page is written to, at a clock that the tests move.</summary>
public sealed class NoticeStreamTests : IDisposable
{
    private static readonly Guid User = Guid.Parse("11111111-1111-1111-1111-111111111111");
    private readonly FakeTimeProvider clock = new();
    private readonly Line line = new();
    private readonly DefaultHttpContext context = new();
    private readonly NoticeBoard board;

    public NoticeStreamTests(PlatformFixture platform)
    {
        var services = platform.Platform.App.Services;
        board = new NoticeBoard(services.GetRequiredService<NpgsqlDataSource>(), clock, NullLogger<NoticeBoard>.Instance, services.GetRequiredService<IHostApplicationLifetime>());
        context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(line));
        context.Features.Set<IHttpRequestLifetimeFeature>(line);
    }

    [Fact]
    public async Task A_page_that_takes_nothing_for_thirty_seconds_loses_its_connection()
    {
        using var reader = board.TryOpen(User)!;
        line.IsStuck = true;
        Change(1);
        var writing = NoticeStream.WriteAsync(context, reader, clock);
        await line.WrittenAsync();
        clock.Advance(TimeSpan.FromSeconds(29));
        Assert.False(line.IsAborted);
        clock.Advance(TimeSpan.FromSeconds(1));
        await writing.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.True(line.IsAborted);
    }

    [Fact]
    public async Task A_page_that_misses_something_is_told_so_after_what_it_has()
    {
        using var reader = board.TryOpen(User)!;
        for (var version = 1; version <= 300; version++)
        {
            Change(version);
        }

        reader.End();
        await NoticeStream.WriteAsync(context, reader, clock);
        var events = line.Text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(257, events.Length);
        Assert.StartsWith("id: 256\nevent: conversation\n", events[255], StringComparison.Ordinal);
        Assert.Equal("id: 257\nevent: resync\ndata: {}", events[256]);
    }

    [Fact]
    public async Task A_long_silence_is_filled_with_comments()
    {
        using var reader = board.TryOpen(User)!;
        var writing = NoticeStream.WriteAsync(context, reader, clock);
        clock.Advance(TimeSpan.FromSeconds(15));
        await line.WrittenAsync();
        Assert.Equal(": keep-alive\n\n", line.Text);
        reader.End();
        await writing.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
    }

    [Fact]
    public void A_page_that_closes_twice_makes_room_once()
    {
        NoticeReader[] readers = [.. Enumerable.Range(0, 20).Select(_ => board.TryOpen(User)!)];
        Assert.Null(board.TryOpen(User));
        readers[0].Dispose();
        readers[0].Dispose();
        using var next = board.TryOpen(User);
        Assert.NotNull(next);
        Assert.Null(board.TryOpen(User));
        Assert.Equal(20, board.CountOf(User));
    }

    public void Dispose() => board.Dispose();

    private void Change(long version) => board.Give(Notice.Of(new ConversationChanged(User, User, version, "changed", null, DateTimeOffset.UnixEpoch)));

    /// <summary>A connection that takes bytes, or takes none until it is aborted.</summary>
    private sealed class Line : MemoryStream, IHttpRequestLifetimeFeature
    {
        private readonly TaskCompletionSource aborted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly SemaphoreSlim written = new(0);

        public bool IsStuck { get; set; }

        public bool IsAborted => aborted.Task.IsCompleted;

        public string Text => Encoding.UTF8.GetString(ToArray());

        public CancellationToken RequestAborted { get; set; }

        public void Abort() => aborted.TrySetResult();

        public Task WrittenAsync() => written.WaitAsync(TestContext.Current.CancellationToken);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await base.WriteAsync(buffer, cancellationToken);
            written.Release();
            if (IsStuck)
            {
                await aborted.Task;
            }
        }
    }
}
