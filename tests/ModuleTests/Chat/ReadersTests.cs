using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using LlmPlatform.Chat;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.ModuleTests.Support;
using Marten;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace LlmPlatform.ModuleTests.Chat;

/// <summary>B15, B21 and A66: readers that do not read, that leave, and that have no business there.</summary>
public sealed class ReadersTests : IAsyncLifetime
{
    private const int Pieces = 4000;
    private const int PieceLength = 4000;
    private readonly TaskCompletionSource goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private OwnPlatform platform = null!;

    public async ValueTask InitializeAsync()
    {
        platform = await OwnPlatform.StartAsync(services => services.AddSingleton<ITextGenerator>(ScriptedGenerator.OfTexts(Script)), "--Chat:ReaderPatienceSeconds=1", "--Chat:Titles=false");
        await platform.InstallTinyAsync("tiny");
    }

    public ValueTask DisposeAsync() => platform.DisposeAsync();

    [Fact]
    public async Task A_reader_that_takes_nothing_is_cut_and_hurts_neither_the_reply_nor_other_readers()
    {
        using var user = await SignedInAsync();
        var conversation = (await user.StartAsync(new { model = "tiny" })).Text("id")!;
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        await socket.ConnectAsync(user.BaseAddress!.Host, user.BaseAddress.Port);
        const string body = """{"content":"much"}""";
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            $"POST /api/v1/chat/conversations/{conversation}/messages HTTP/1.1\r\nHost: {user.BaseAddress.Authority}\r\nAuthorization: {user.DefaultRequestHeaders.Authorization}\r\n"
            + $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"));
        var shown = await Eventually.Async(() => user.GetJsonAsync($"/api/v1/chat/conversations/{conversation}"), c => c.GetProperty("messages").GetArrayLength() == 2);
        var message = shown.GetProperty("messages")[1].Text("id")!;

        var other = await user.FollowAsync(conversation, message);

        Assert.Equal("done", other[^1].Name);
        Assert.Equal((long)Pieces * PieceLength, other.TextOf().Length);
        await Eventually.Async(() => Task.FromResult(IsCut(socket)), cut => cut);
        Assert.True(await ReadToEndAsync(socket) < (long)Pieces * PieceLength); // it never had more than its connection holds
        Assert.Equal(0, await RunningAsync());
    }

    [Fact]
    public async Task However_often_readers_leave_each_reply_is_stored_once_and_whole()
    {
        using var user = await SignedInAsync();
        var random = new Random(7);
        for (var i = 0; i < 60; i++)
        {
            var conversation = await user.StartAsync(new { model = "tiny" });
            using (var open = await user.OpenAsync(HttpMethod.Post, $"/api/v1/chat/conversations/{conversation.Text("id")}/messages", new { content = "count" }))
            {
                await open.EventsAsync().Take(random.Next(1, 12)).CountAsync(TestContext.Current.CancellationToken);
            }

            var whole = await Eventually.Async(
                () => user.ConversationAsync(conversation), c => c.GetProperty("messages").GetArrayLength() == 2 && c.GetProperty("messages")[1].Text("state") == "completed");
            Assert.Equal("0 1 2 3 4 5 6 7 8 9 ", whole.GetProperty("messages")[1].Text("content"));
            Assert.Equal(4, whole.GetProperty("version").GetInt64());
        }

        Assert.Equal(0, await RunningAsync());
    }

    [Fact]
    public async Task A_stream_ends_with_the_right_to_it()
    {
        using var user = await SignedInAsync();
        var conversation = (await user.StartAsync(new { model = "tiny" })).Text("id")!;
        using var open = await user.OpenAsync(HttpMethod.Post, $"/api/v1/chat/conversations/{conversation}/messages", new { content = "wait" });
        var events = new List<ReplyEvent>();
        await foreach (var e in open.EventsAsync())
        {
            events.Add(e);
            if (events.Count == 1)
            {
                await user.PostAsync("/api/v1/auth/sign-out", null);
            }
        }

        Assert.Equal(("error", "token.revoked"), (events[^1].Name, events[^1].Data.Text("code")));
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, (await user.GetAsync($"/api/v1/chat/conversations/{conversation}/messages/{events.MessageOf()}/stream")).StatusCode);
        goOn.SetResult();
        await Eventually.Async(RunningAsync, running => running == 0);
    }

    [Fact]
    public async Task Whoever_claims_to_have_read_what_was_never_said_waits_for_the_end_and_no_longer()
    {
        using var user = await SignedInAsync();
        var conversation = (await user.StartAsync(new { model = "tiny" })).Text("id")!;
        using var open = await user.OpenAsync(HttpMethod.Post, $"/api/v1/chat/conversations/{conversation}/messages", new { content = "wait" });
        var message = (await open.EventsAsync().FirstAsync(TestContext.Current.CancellationToken)).Data.Text("messageId")!;
        var ahead = user.FollowAsync(conversation, message, long.MaxValue.ToString(System.Globalization.CultureInfo.InvariantCulture));

        goOn.SetResult();

        Assert.Equal(["done"], (await ahead).Select(e => e.Name));
    }

    [Fact]
    public async Task A_host_that_ends_stores_what_was_said_and_tells_its_readers()
    {
        using var user = await SignedInAsync();
        var conversation = await user.StartAsync(new { model = "tiny" });
        using var open = await user.OpenAsync(HttpMethod.Post, $"/api/v1/chat/conversations/{conversation.Text("id")}/messages", new { content = "wait" });
        var events = new List<ReplyEvent>();
        await foreach (var e in open.EventsAsync())
        {
            events.Add(e);
            if (e.Name == "delta")
            {
                platform.Services.GetRequiredService<Microsoft.Extensions.Hosting.IHostApplicationLifetime>().StopApplication();
            }
        }

        Assert.Equal(("error", "reply.interrupted"), (events[^1].Name, events[^1].Data.Text("code")));
        var stored = (await user.ConversationAsync(conversation)).GetProperty("messages")[1];
        Assert.Equal(("interrupted", "first "), (stored.Text("state"), stored.Text("content")));
    }

    [Fact]
    public async Task A_model_that_breaks_leaves_what_it_said_and_says_why_and_the_conversation_goes_on()
    {
        using var user = await SignedInAsync();
        var conversation = await user.StartAsync(new { model = "tiny" });

        var events = await user.SayAsync(conversation, "break");

        Assert.Equal(("error", "engine.crashed"), (events[^1].Name, events[^1].Data.Text("code")));
        var reply = (await user.ConversationAsync(conversation)).GetProperty("messages")[1];
        Assert.Equal(("failed", "half a ", "engine.crashed"), (reply.Text("state"), reply.Text("content"), reply.GetProperty("error").Text("code")));
        Assert.Equal("done", (await user.SayAsync(conversation, "count"))[^1].Name);
    }

    [Fact]
    public async Task Whoever_is_disabled_has_no_model_write_any_longer()
    {
        using var user = await SignedInAsync();
        var conversation = (await user.StartAsync(new { model = "tiny" })).Text("id")!;
        using var open = await user.OpenAsync(HttpMethod.Post, $"/api/v1/chat/conversations/{conversation}/messages", new { content = "wait" });
        await open.EventsAsync().FirstAsync(TestContext.Current.CancellationToken);
        var me = (await user.GetJsonAsync("/api/v1/auth/me")).Text("id");

        (await platform.Administrator.PatchAsync($"/api/v1/auth/users/{me}", System.Net.Http.Json.JsonContent.Create(new { disabled = true }))).EnsureSuccessStatusCode();

        await Eventually.Async(RunningAsync, running => running == 0);
    }

    private async IAsyncEnumerable<string> Script(GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        switch (request.Messages[^1].Content)
        {
            case "much":
                for (var i = 0; i < Pieces; i++)
                {
                    yield return new string((char)('a' + (i % 26)), PieceLength);
                }

                break;
            case "wait":
                yield return "first ";
                await goOn.Task.WaitAsync(cancellation);
                break;
            case "break":
                yield return "half a ";
                throw new GenerationException(502, "engine.crashed", "The engine is gone.");
            default:
                for (var i = 0; i < 10; i++)
                {
                    await Task.Yield();
                    yield return $"{i} ";
                }

                break;
        }
    }

    // What is sent to the other end of a connection that was cut is answered with a reset.
    private static bool IsCut(Socket socket)
    {
        try
        {
            socket.Send("x"u8);
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    private static async Task<long> ReadToEndAsync(Socket socket)
    {
        var (buffer, all) = (new byte[64 << 10], 0L);
        try
        {
            while (await socket.ReceiveAsync(buffer) is > 0 and var read)
            {
                all += read;
            }
        }
        catch (SocketException)
        {
            // Reset: it was cut.
        }

        return all;
    }

    private async Task<long> RunningAsync()
    {
        await using var session = platform.Services.GetRequiredService<IChatStore>().QuerySession();
        return (await session.QueryAsync<long>("select (select count(*) from chat.running_replies) + (select count(*) from chat.reply_pieces) as data"))[0];
    }

    private async Task<HttpClient> SignedInAsync()
    {
        var email = $"{Guid.CreateVersion7():n}@example.com";
        var created = await platform.Administrator.PostAsync(
            "/api/v1/auth/users", System.Net.Http.Json.JsonContent.Create(new { email, name = email.Split('@')[0], password = PlatformFixture.Password, role = "user" }));
        created.EnsureSuccessStatusCode();
        return await platform.SignInAsync(email, PlatformFixture.Password);
    }
}
