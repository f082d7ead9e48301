using System.Runtime.CompilerServices;
using LlmPlatform.Chat;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.Chat.Replies;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.ModuleTests.Support;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Wolverine;
using Xunit;

namespace LlmPlatform.ModuleTests.Chat;

public sealed class InterruptReplyTests(PlatformFixture platform)
{
    [Fact]
    public async Task A_reply_whose_host_is_gone_is_interrupted_with_what_was_stored_of_it_and_the_next_one_has_its_turn()
    {
        using var user = await platform.UserAsync();
        var owner = Guid.Parse((await user.GetJsonAsync("/api/v1/auth/me")).Text("id")!);
        var conversation = await user.StartAsync();
        var abandoned = await AbandonAsync(Guid.Parse(conversation.Text("id")!), owner, DateTimeOffset.UnixEpoch);

        var events = await user.FollowAsync(conversation.Text("id")!, abandoned.ToString()); // waits for the watch of the platform

        Assert.Equal(("error", "interrupted", "reply.interrupted"), (events[^1].Name, events[^1].Data.Text("state"), events[^1].Data.Text("code")));
        Assert.Equal("half a sen", events.TextOf());
        var message = (await user.ConversationAsync(conversation)).GetProperty("messages")[1];
        Assert.Equal(("interrupted", "half a sen"), (message.Text("state"), message.Text("content")));
        Assert.Equal("done", (await user.SayAsync(conversation, "go on", 2))[^1].Name);
    }

    [Fact]
    public async Task A_reply_that_another_host_writes_is_followed_and_stopped_from_here()
    {
        using var user = await platform.UserAsync();
        var owner = Guid.Parse((await user.GetJsonAsync("/api/v1/auth/me")).Text("id")!);
        var conversation = await user.StartAsync();
        var message = await AbandonAsync(Guid.Parse(conversation.Text("id")!), owner, DateTimeOffset.MaxValue.AddDays(-1)); // alive for ever, as it seems
        var services = platform.Platform.App.Services;
        using var open = await user.OpenAsync(HttpMethod.Get, $"/api/v1/chat/conversations/{conversation.Text("id")}/messages/{message}/stream");
        var events = new List<ReplyEvent>();
        await foreach (var e in open.EventsAsync())
        {
            events.Add(e);
            if (events.TextOf() == "half a sen")
            {
                // What that host would do: another piece, and an end.
                var vault = services.GetRequiredService<SubjectVault>();
                await services.GetRequiredService<ReplyTables>().StoreAsync(
                    [new ReplyPiece(message, 3, 10, await vault.SealJsonAsync(owner, (MessagePart[])[new MessagePart(PartKind.Text, "tence")], TestContext.Current.CancellationToken))], TestContext.Current.CancellationToken);
            }
            else if (events.TextOf() == "half a sentence" && e.Name == "delta")
            {
                Assert.Equal("streaming", (await (await user.PostAsync($"/api/v1/chat/conversations/{conversation.Text("id")}/messages/{message}/stop", null)).JsonAsync()).Text("state"));
                Assert.Contains(message, (await services.GetRequiredService<ReplyTables>().RenewAsync([Order(Guid.Parse(conversation.Text("id")!), message, owner)], TestContext.Current.CancellationToken)).Stopped);
                await InScopeAsync(bus => bus.InvokeAsync(new InterruptReply(Guid.Parse(conversation.Text("id")!), message, owner, 3)));
            }
        }

        Assert.Equal(("error", "half a sentence"), (events[^1].Name, events.TextOf()));
    }

    /// <summary>What a host leaves that begins a reply, stores a piece of it, and is heard of until then.</summary>
    private async Task<Guid> AbandonAsync(Guid conversation, Guid owner, DateTimeOffset aliveUntil)
    {
        var services = platform.Platform.App.Services;
        var now = TimeProvider.System.GetUtcNow();
        var vault = services.GetRequiredService<SubjectVault>();
        var question = new MessageAdded(Guid.CreateVersion7(now), null, MessageRoles.User, await vault.SealBodyAsync(owner, MessageBody.Of("question"), default), now);
        var reply = new ReplyStarted(Guid.CreateVersion7(now), question.MessageId, PlatformFixture.Model, now);
        await using var session = services.GetRequiredService<IChatStore>().LightweightSession();
        session.Events.Append(conversation, 3, question, reply);
        ReplyTables.Begin(session, Order(conversation, reply.MessageId, owner), now);
        session.QueueSqlCommand("update chat.running_replies set alive_until = ? where message_id = ?", aliveUntil.ToUniversalTime(), reply.MessageId);
        session.QueueSqlCommand(
            "insert into chat.reply_pieces (message_id, place, sealed_parts) values (?, 0, ?)",
            reply.MessageId, await vault.SealJsonAsync(owner, (MessagePart[])[new MessagePart(PartKind.Text, "half a sen")], default));
        await session.SaveChangesAsync();
        return reply.MessageId;
    }

    private static ReplyOrder Order(Guid conversation, Guid message, Guid owner) =>
        new(conversation, message, null, 3, new ModelUser(owner, "user"), PlatformFixture.Model, new ChatSettings(), null);

    private async Task InScopeAsync(Func<IMessageBus, Task> act)
    {
        await using var scope = platform.Platform.App.Services.CreateAsyncScope();
        await act(scope.ServiceProvider.GetRequiredService<IMessageBus>());
    }
}

public sealed class EndReplyTests(PlatformFixture platform)
{
    [Fact]
    public async Task A_reply_ends_once_and_what_was_really_said_wins_over_what_was_known_of_it()
    {
        using var user = await platform.UserAsync();
        var owner = Guid.Parse((await user.GetJsonAsync("/api/v1/auth/me")).Text("id")!);
        var conversation = await user.StartAsync(new { model = PlatformFixture.Model, title = "Named" });
        var events = await user.SayAsync(conversation, "hello", 2);
        var order = new ReplyOrder(
            Guid.Parse(conversation.Text("id")!), Guid.Parse(events.MessageOf()), null, 3, new ModelUser(owner, "user"), PlatformFixture.Model, new ChatSettings(), null);
        await using var scope = platform.Platform.App.Services.CreateAsyncScope();
        var bus = scope.ServiceProvider.GetRequiredService<IMessageBus>();
        var end = new EndReply(order, MessageState.Completed, MessageBody.Of("other words"), "stop", null, null);

        var refusal = await Assert.ThrowsAsync<Refusal>(() => bus.InvokeAsync<ReplyOutcome>(end, TestContext.Current.CancellationToken));

        Assert.Equal("reply.ended", refusal.Error.Code);
        Assert.Equal(events.TextOf(), (await user.ConversationAsync(conversation)).GetProperty("messages")[1].Text("content"));

        await using (var session = platform.Platform.App.Services.GetRequiredService<IChatStore>().LightweightSession())
        {
            var version = (await session.LoadAsync<Conversation>(order.ConversationId))!.Version;
            session.Events.Append(order.ConversationId, version + 1, new ReplyEnded(order.MessageId, MessageState.Interrupted, null, null, null, null, TimeProvider.System.GetUtcNow()));
            await session.SaveChangesAsync();
        }

        await bus.InvokeAsync<ReplyOutcome>(end, TestContext.Current.CancellationToken);
        Assert.Equal("other words", (await user.ConversationAsync(conversation)).GetProperty("messages")[1].Text("content"));
    }

    [Fact]
    public async Task What_one_attempt_at_a_reply_says_late_is_not_taken_for_the_next_attempt()
    {
        using var user = await platform.UserAsync();
        var owner = Guid.Parse((await user.GetJsonAsync("/api/v1/auth/me")).Text("id")!);
        var conversation = await user.StartAsync(new { model = PlatformFixture.Model, title = "Named" });
        var id = Guid.Parse(conversation.Text("id")!);
        var events = await user.SayAsync(conversation, "hello", 2);
        var message = Guid.Parse(events.MessageOf());
        var tables = platform.Platform.App.Services.GetRequiredService<ReplyTables>();
        ReplyOrder first = new(id, message, null, 3, new ModelUser(owner, "user"), PlatformFixture.Model, new ChatSettings(), null), second = first with { Number = 5 };
        await using (var session = platform.Platform.App.Services.GetRequiredService<IChatStore>().LightweightSession())
        {
            session.Events.Append(id, 5, new ReplyContinued(message, PlatformFixture.Model, TimeProvider.System.GetUtcNow()));
            ReplyTables.Begin(session, second, TimeProvider.System.GetUtcNow());
            await session.SaveChangesAsync();
        }

        Assert.Empty(await tables.StoreAsync([new ReplyPiece(message, first.Number, 0, "late")], TestContext.Current.CancellationToken));
        Assert.Equal([message], (await tables.RenewAsync([first], TestContext.Current.CancellationToken)).Lost);
        Assert.Empty((await tables.RenewAsync([second], TestContext.Current.CancellationToken)).Lost);
        await using var scope = platform.Platform.App.Services.CreateAsyncScope();
        var bus = scope.ServiceProvider.GetRequiredService<IMessageBus>();
        await Assert.ThrowsAsync<Refusal>(() => bus.InvokeAsync<ReplyOutcome>(new EndReply(first, MessageState.Completed, MessageBody.Of("late"), "stop", null, null), TestContext.Current.CancellationToken));
        await bus.InvokeAsync(new InterruptReply(id, message, owner, first.Number), TestContext.Current.CancellationToken);
        Assert.Equal("streaming", (await user.ConversationAsync(conversation)).GetProperty("messages")[1].Text("state"));
        await bus.InvokeAsync<ReplyOutcome>(new EndReply(second, MessageState.Completed, MessageBody.Of("in time"), "stop", null, null), TestContext.Current.CancellationToken);
        Assert.Equal("in time", (await user.ConversationAsync(conversation)).GetProperty("messages")[1].Text("content"));
    }

    [Fact]
    public async Task A_piece_that_was_stored_unknown_to_its_host_is_stored_again_with_what_came_since()
    {
        using var user = await platform.UserAsync();
        var owner = Guid.Parse((await user.GetJsonAsync("/api/v1/auth/me")).Text("id")!);
        var (tables, vault) = (platform.Platform.App.Services.GetRequiredService<ReplyTables>(), platform.Platform.App.Services.GetRequiredService<SubjectVault>());
        var message = new Message { Id = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()), State = MessageState.Streaming };
        await using (var session = platform.Platform.App.Services.GetRequiredService<IChatStore>().LightweightSession())
        {
            ReplyTables.Begin(session, new(Guid.Empty, message.Id, null, 1, new ModelUser(owner, "user"), "m", new ChatSettings(), null), TimeProvider.System.GetUtcNow().AddHours(1));
            await session.SaveChangesAsync();
        }

        Assert.Contains(message.Id, await StoreAsync(0, "abc"));
        Assert.Contains(message.Id, await StoreAsync(0, "abcdef"));
        Assert.Contains(message.Id, await StoreAsync(6, "ghi"));

        Assert.Equal("abcdefghi", (await tables.ReadAsync(owner, message, TestContext.Current.CancellationToken)).Text);

        async Task<IReadOnlySet<Guid>> StoreAsync(long place, string text) => await tables.StoreAsync(
            [new ReplyPiece(message.Id, 1, place, await vault.SealJsonAsync(owner, (MessagePart[])[new MessagePart(PartKind.Text, text)], TestContext.Current.CancellationToken))], TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("messages", """{"content":"only once","maxTokens":5}""")]
    [InlineData("messages/{question}/edit", """{"content":"edited once","maxTokens":5}""")]
    [InlineData("messages/{reply}/regenerate", """{"maxTokens":5}""")]
    [InlineData("messages/{reply}/continue", """{"maxTokens":5}""")]
    public async Task A_request_that_is_sent_again_when_nobody_remembers_its_answer_is_not_carried_out_twice(string route, string body)
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync(new { model = PlatformFixture.Model, title = "Named" });
        var before = await user.SayAsync(conversation, "hello", 2);
        var path = $"/api/v1/chat/conversations/{conversation.Text("id")}/{route.Replace("{question}", before[0].Data.Text("userMessageId"), StringComparison.Ordinal).Replace("{reply}", before.MessageOf(), StringComparison.Ordinal)}";
        var first = await SendAsync();
        var then = await user.ConversationAsync(conversation, "?branches=all");
        await using (var session = platform.Platform.App.Services.GetRequiredService<IChatStore>().LightweightSession())
        {
            session.QueueSqlCommand("delete from shared.idempotency where key = 'once'"); // as after a crash
            await session.SaveChangesAsync();
        }

        var second = await SendAsync();

        Assert.Equal(first.MessageOf(), second.MessageOf());
        Assert.EndsWith(first.TextOf(), second.TextOf(), StringComparison.Ordinal);
        Assert.Equal(then.ToString(), (await user.ConversationAsync(conversation, "?branches=all")).ToString());

        async Task<IReadOnlyList<ReplyEvent>> SendAsync()
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path)
            {
                Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json"),
                Headers = { { "Idempotency-Key", "once" } },
            };
            using var answer = await user.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
            return await answer.EventsAsync().ToListAsync();
        }
    }
}

public sealed class WriteTitleTests(PlatformFixture platform)
{
    [Fact]
    public async Task A_conversation_without_a_title_gets_one_in_the_background_and_one_that_has_one_keeps_it()
    {
        using var user = await platform.UserAsync();
        var (untitled, titled) = (await user.StartAsync(), await user.StartAsync(new { model = PlatformFixture.Model, title = "Mine" }));
        await user.SayAsync(untitled, "Once upon a time there was a cat", 4);
        await user.SayAsync(titled, "Once upon a time there was a dog", 4);

        var title = (await Eventually.Async(() => user.ConversationAsync(untitled), c => c.Text("title") is not null)).Text("title")!;
        Assert.InRange(title.Length, 1, 81);
        Assert.DoesNotContain('\n', title);
        Assert.Equal("Mine", (await user.ConversationAsync(titled)).Text("title"));

        Assert.Equal(System.Net.HttpStatusCode.Accepted, (await user.PostAsync($"/api/v1/chat/conversations/{titled.Text("id")}/title", null)).StatusCode);
        await Eventually.Async(() => user.ConversationAsync(titled), c => c.Text("title") != "Mine");
    }

    [Fact]
    public async Task A_model_that_takes_too_long_leaves_the_first_words_as_the_title()
    {
        var spoken = new Spoken(platform.Platform.App.Services);
        var owner = Guid.CreateVersion7();
        var (id, _) = await spoken.SayAsync(owner, null, DateTimeOffset.UnixEpoch, "Once upon a time");
        var time = new FakeTimeProvider();

        await WriteAsync(spoken, id, owner, time, Slow);

        await using var session = spoken.Store.QuerySession();
        Assert.Equal("Once upon a time", await spoken.Vault.OpenOrNullAsync(owner, (await session.LoadAsync<Conversation>(id))!.SealedTitle, TestContext.Current.CancellationToken));

        async IAsyncEnumerable<string> Slow(GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellation)
        {
            yield return "Half a";
            time.Advance(TimeSpan.FromMinutes(5));
            await Task.Delay(Timeout.Infinite, cancellation);
        }
    }

    [Fact]
    public async Task A_conversation_that_is_deleted_while_its_title_is_written_stays_deleted()
    {
        var spoken = new Spoken(platform.Platform.App.Services);
        var owner = Guid.CreateVersion7();
        var (id, _) = await spoken.SayAsync(owner, null, DateTimeOffset.UnixEpoch, "Once upon a time");

        Assert.Empty(await WriteAsync(spoken, id, owner, TimeProvider.System, Deleting));

        async IAsyncEnumerable<string> Deleting(GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellation)
        {
            await using var session = spoken.Store.LightweightSession();
            BinConversationEndpoint.DeleteForever(session, (await session.LoadAsync<Conversation>(id, cancellation))!, DateTimeOffset.UnixEpoch);
            await session.SaveChangesAsync(cancellation);
            yield return "A title";
        }
    }

    [Fact]
    public async Task A_title_that_comes_refuses_nobodys_message_and_nobodys_change()
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync();
        var version = (await user.SayAsync(conversation, "Once upon a time", 4))[^1].Data.GetProperty("version").GetInt64();
        await Eventually.Async(() => user.ConversationAsync(conversation), c => c.Text("title") is not null);

        var changed = await ChangeConversationTests.PatchAsync(user, conversation, new { isPinned = true, expectedVersion = version });
        var said = await user.SayAsync(conversation.Text("id")!, new { content = "go on", expectedVersion = version, maxTokens = 1 });

        Assert.Equal(System.Net.HttpStatusCode.OK, changed.StatusCode);
        Assert.Equal("done", said[^1].Name);
    }

    private static async Task<OutgoingMessages> WriteAsync(
        Spoken spoken, Guid conversation, Guid owner, TimeProvider time, Func<GenerationRequest, CancellationToken, IAsyncEnumerable<string>> script)
    {
        await using var session = spoken.Store.LightweightSession();
        var news = await LlmPlatform.Chat.Titles.WriteTitleHandler.Handle(
            new LlmPlatform.Chat.Titles.WriteTitle(conversation, new ModelUser(owner, "user")), session, spoken.Vault, ScriptedGenerator.OfTexts(script), time, TestContext.Current.CancellationToken);
        await session.SaveChangesAsync();
        return news;
    }

    [Theory]
    [InlineData("\"A cat's tale\"\nSecond line", "A cat's tale")]
    [InlineData("\n\n## Tea **", "Tea")]
    [InlineData("  \t ", "")]
    public void A_title_is_one_line_without_the_signs_of_a_document(string said, string title) => Assert.Equal(title, LlmPlatform.Chat.Titles.WriteTitleHandler.Cut(said));

    [Fact]
    public void A_long_title_is_cut_at_a_word()
    {
        var title = LlmPlatform.Chat.Titles.WriteTitleHandler.Cut(string.Concat(Enumerable.Repeat("word ", 40)));
        Assert.InRange(title.Length, 60, 81);
        Assert.EndsWith("word…", title, StringComparison.Ordinal);
    }
}

public sealed class ContextPolicyTests(PlatformFixture platform)
{
    [Fact]
    public async Task A_conversation_that_outgrows_its_context_says_how_much_was_left_out_or_is_refused_as_its_owner_chose()
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync(new { model = PlatformFixture.Model, systemPrompt = "You tell stories." });
        var id = conversation.Text("id")!;
        var text = string.Concat(Enumerable.Repeat("Once upon a time there was a little cat. ", 12));
        IReadOnlyList<ReplyEvent> events;
        var turns = 0;
        do
        {
            events = await user.SayAsync(id, new { content = text, maxTokens = 2 });
            Assert.Equal("done", events[^1].Name);
        }
        while (events[^1].Data.GetProperty("droppedMessages").GetInt32() == 0 && ++turns < 60);

        var dropped = events[^1].Data.GetProperty("droppedMessages").GetInt32();
        Assert.True(dropped > 0);
        Assert.Equal(dropped, events.Single(e => e.Name == "context").Data.GetProperty("droppedMessages").GetInt32());
        Assert.Equal(dropped, (await user.ConversationAsync(conversation)).GetProperty("messages").EnumerateArray().Last().GetProperty("droppedMessages").GetInt32());

        var refused = await user.SayAsync(id, new { content = text, maxTokens = 2, context = "refuse" });
        Assert.Equal(("error", "context_length_exceeded"), (refused[^1].Name, refused[^1].Data.Text("code")));
        Assert.Equal("done", (await user.SayAsync(id, new { content = "short", maxTokens = 2 }))[^1].Name);
    }
}
