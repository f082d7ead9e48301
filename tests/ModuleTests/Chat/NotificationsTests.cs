using System.Net;
using System.Net.ServerSentEvents;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using LlmPlatform.Chat.Contracts;
using LlmPlatform.Chat.Notifications;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Wolverine;
using Xunit;

namespace LlmPlatform.ModuleTests.Chat;

/// <summary>What the open pages of a person hear, and what they never hear.</summary>
public sealed class NotificationsTests(PlatformFixture platform)
{
    private const string Road = "/api/v1/chat/notifications";

    private static CancellationToken Timeout => TestContext.Current.CancellationToken;

    private NoticeBoard Board => platform.Platform.App.Services.GetRequiredService<NoticeBoard>();

    [Fact]
    public async Task Every_page_of_a_person_hears_of_a_change_and_no_page_of_anybody_else()
    {
        using var user = await platform.UserAsync();
        using var other = await platform.UserAsync();
        var (id, otherId) = (await IdAsync(user), await IdAsync(other));
        await using var first = await Page.OpenAsync(user);
        await using var second = await Page.OpenAsync(user);
        await using var others = await Page.OpenAsync(other);

        var (conversation, message) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await PublishAsync(new ConversationChanged(id, conversation, 7, "message", message, DateTimeOffset.UnixEpoch));
        foreach (var page in (Page[])[first, second])
        {
            var heard = await page.NextAsync();
            Assert.Equal(("conversation", "2"), (heard.EventType, heard.EventId));
            var data = JsonElement.Parse(heard.Data);
            Assert.Equal((conversation, 7, "message", message), (data.GetProperty("conversationId").GetGuid(), data.GetProperty("version").GetInt32(), data.Text("what"), data.GetProperty("messageId").GetGuid()));
        }

        await PublishAsync(new ConversationChanged(otherId, Guid.CreateVersion7(), 1, "created", null, DateTimeOffset.UnixEpoch));
        Assert.Contains("created", (await others.NextAsync()).Data, StringComparison.Ordinal); // the first that came
    }

    [Fact]
    public async Task Whoever_asked_for_a_model_hears_that_it_is_there()
    {
        await using var page = await Page.OpenAsync(platform.Administrator);
        await platform.Administrator.InstallAsync($"file://{platform.Imports}/model.gguf", "announced");
        var heard = await page.NextAsync(item => item.EventType == "install" && item.Data.Contains("announced", StringComparison.Ordinal));
        Assert.Equal(("install.finished", "announced"), (JsonElement.Parse(heard.Data).Text("kind"), JsonElement.Parse(heard.Data).Text("model")));
    }

    [Fact]
    public async Task Pages_read_their_lists_again_after_the_platform_could_not_listen()
    {
        using var user = await platform.UserAsync();
        var id = await IdAsync(user);
        await using var page = await Page.OpenAsync(user);
        await using var command = platform.Platform.App.Services.GetRequiredService<NpgsqlDataSource>()
            .CreateCommand($"select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = '{NoticeBoard.ListenerName}'");
        Assert.Equal(1L, await command.ExecuteScalarAsync(Timeout));
        Assert.Equal("resync", (await page.NextAsync()).EventType);
        await PublishAsync(new ConversationChanged(id, Guid.CreateVersion7(), 1, "created", null, DateTimeOffset.UnixEpoch));
        Assert.Equal("conversation", (await page.NextAsync()).EventType);
        await using var next = await Page.OpenAsync(user);
    }

    [Fact]
    public async Task A_page_that_takes_nothing_keeps_nobody_waiting()
    {
        using var user = await platform.UserAsync();
        var id = await IdAsync(user);
        using var deaf = new TcpClient { ReceiveBufferSize = 1024 };
        await deaf.ConnectAsync(platform.Platform.Address.Host, platform.Platform.Address.Port, Timeout);
        await deaf.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"GET {Road} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {user.DefaultRequestHeaders.Authorization}\r\n\r\n"), Timeout);
        await Eventually.Async(() => Task.FromResult(Board.CountOf(id)), count => count == 1);
        await using var page = await Page.OpenAsync(user);
        var flood = Notice.Of(new ConversationChanged(id, Guid.CreateVersion7(), 1, new string('x', 4000), null, DateTimeOffset.UnixEpoch));
        for (var i = 0; i < 20_000; i++)
        {
            Board.Give(flood);
        }

        await page.NextAsync(item => item.EventType == "resync"); // more than it keeps came at once
        await PublishAsync(new ConversationChanged(id, Guid.CreateVersion7(), 2, "renamed", null, DateTimeOffset.UnixEpoch));
        await page.NextAsync(item => item.Data.Contains("renamed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_person_has_a_bounded_number_of_pages_and_one_that_closes_makes_room()
    {
        using var user = await platform.UserAsync();
        var pages = new List<Page>();
        for (var i = 0; i < 20; i++)
        {
            pages.Add(await Page.OpenAsync(user));
        }

        using (var refused = await user.GetAsync(Road, HttpCompletionOption.ResponseHeadersRead, Timeout))
        {
            Assert.Equal("429 stream.too_many", await refused.CodeAsync());
        }

        using var other = await platform.UserAsync();
        await using var others = await Page.OpenAsync(other);
        await pages[0].DisposeAsync();
        await Eventually.Async(async () => await IdAsync(user) is var id ? Board.CountOf(id) : 0, count => count == 19);
        pages[0] = await Page.OpenAsync(user);
        foreach (var page in pages)
        {
            await page.DisposeAsync();
        }
    }

    [Fact]
    public async Task Signing_out_ends_the_stream()
    {
        using var user = await platform.UserAsync();
        await using var page = await Page.OpenAsync(user);
        var session = (await user.GetJsonAsync("/api/v1/auth/sessions")).GetProperty("items")[0].Text("id");
        (await user.DeleteAsync($"/api/v1/auth/sessions/{session}", Timeout)).EnsureSuccessStatusCode();
        var last = await page.NextAsync();
        Assert.Equal("error", last.EventType);
        Assert.Contains("token.revoked", last.Data, StringComparison.Ordinal);
        Assert.False(await page.GoesOnAsync());
    }

    [Fact]
    public async Task Nobody_listens_without_signing_in()
    {
        using var answer = await platform.Client.GetAsync(Road, HttpCompletionOption.ResponseHeadersRead, Timeout);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Fact]
    public async Task What_others_say_on_the_channel_is_passed_over()
    {
        using var user = await platform.UserAsync();
        await using var page = await Page.OpenAsync(user);
        foreach (var nonsense in (string[])["nonsense", "[]", "{}", """{"userId":1}""", """{"userId":"x","event":"conversation","data":{}}"""])
        {
            await using var command = platform.Platform.App.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand("select pg_notify('chat_notices', $1)");
            command.Parameters.AddWithValue(nonsense);
            await command.ExecuteNonQueryAsync(Timeout);
        }

        await PublishAsync(new ConversationChanged(await IdAsync(user), Guid.CreateVersion7(), 1, "created", null, DateTimeOffset.UnixEpoch));
        Assert.Equal("conversation", (await page.NextAsync()).EventType);
    }

    private async Task PublishAsync(ConversationChanged message)
    {
        await using var scope = platform.Platform.App.Services.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<IMessageBus>().PublishAsync(message);
    }

    private static async Task<Guid> IdAsync(HttpClient user) => Guid.Parse((await user.GetJsonAsync("/api/v1/auth/me")).Text("id")!);

    /// <summary>An open page, which has been told that it misses nothing.</summary>
    private sealed class Page(HttpResponseMessage answer, IAsyncEnumerator<SseItem<string>> items) : IAsyncDisposable
    {
        public static async Task<Page> OpenAsync(HttpClient client)
        {
            var answer = await client.GetAsync(Road, HttpCompletionOption.ResponseHeadersRead, Timeout);
            Assert.Equal((HttpStatusCode.OK, "text/event-stream"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
            Assert.Equal("no", answer.Headers.GetValues("X-Accel-Buffering").Single());
            var page = new Page(answer, SseParser.Create(await answer.Content.ReadAsStreamAsync(Timeout)).EnumerateAsync(Timeout).GetAsyncEnumerator(Timeout));
            var first = await page.NextAsync();
            Assert.Equal(("ready", "1"), (first.EventType, first.EventId));
            return page;
        }

        public Task<SseItem<string>> NextAsync() => NextAsync(_ => true);

        public async Task<SseItem<string>> NextAsync(Func<SseItem<string>, bool> fits)
        {
            do
            {
                Assert.True(await items.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(60), Timeout), "The stream has ended.");
            }
            while (!fits(items.Current));

            return items.Current;
        }

        public async Task<bool> GoesOnAsync() => await items.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(60), Timeout);

        public ValueTask DisposeAsync()
        {
            answer.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
