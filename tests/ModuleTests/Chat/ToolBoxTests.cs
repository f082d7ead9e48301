using System.Text;
using LlmPlatform.Chat;
using LlmPlatform.Chat.Tools;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.ModuleTests.Support;
using LlmPlatform.SharedKernel;
using LlmPlatform.SharedKernel.Outside;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using ModelContextProtocol.Protocol;
using Xunit;

namespace LlmPlatform.ModuleTests.Chat;

/// <summary>What models may call in somebody's name, and what becomes of it.</summary>
public sealed class ToolBoxTests(PlatformFixture platform)
{
    private static CancellationToken Timeout => TestContext.Current.CancellationToken;

    private ToolBox Box => Services.GetRequiredService<ToolBox>();

    private IServiceProvider Services => platform.Platform.App.Services;

    [Fact]
    public async Task Without_consent_of_that_very_person_nothing_is_offered_and_the_server_is_not_even_asked()
    {
        await using var host = await ToolServerHost.StartAsync();
        var server = await host.RegisterAsync(platform.Administrator);
        var (user, me) = await UserAsync();
        var (other, _) = await UserAsync();
        (await other.ConsentAsync(server, "*")).EnsureSuccessStatusCode();

        Assert.Equal((403, "tools.consent_required"), await RefusalAsync(() => Box.OfferAsync(me, [server], Timeout)));
        Assert.Empty(host.Credentials);

        (await user.ConsentAsync(server, "*")).EnsureSuccessStatusCode();
        await using var offered = await Box.OfferAsync(me, [server], Timeout);
        Assert.Equal(($"{server}__echo", "Does echo."), (Assert.Single(offered.Tools).Name, offered.Tools[0].Description));
        Assert.Equal(new ToolResult("hello", false, null), await CallAsync(offered, server, "echo", """{"text":"hello"}"""));
    }

    [Fact]
    public async Task A_server_that_is_off_or_for_others_answers_like_one_that_does_not_exist()
    {
        await using var host = await ToolServerHost.StartAsync();
        var off = await host.RegisterAsync(platform.Administrator);
        var (user, me) = await UserAsync();
        (await user.ConsentAsync(off, "*")).EnsureSuccessStatusCode();
        await platform.Administrator.SaveToolServerAsync(off, new { title = "Off", address = host.Address, enabled = false, expectedVersion = 1 });
        var others = await host.RegisterAsync(platform.Administrator);
        await platform.Administrator.SaveToolServerAsync(others, new { title = "Others", address = host.Address, groups = new[] { "insiders" }, expectedVersion = 1 });

        foreach (var name in (string[])[off, others, "no-such-server", "NO SUCH NAME"])
        {
            Assert.Equal((404, "tools.server_not_found"), await RefusalAsync(() => Box.OfferAsync(me, [name], Timeout)));
        }

        (await platform.Administrator.ConsentAsync(others, "*")).EnsureSuccessStatusCode();
        await using var insider = await Box.OfferAsync(await IdentityAsync(platform.Administrator), [others], Timeout);
        Assert.Single(insider.Tools);
        Assert.Equal("404 tools.server_not_found", await (await user.ConsentAsync(others, "*")).CodeAsync());
        Assert.Null(await user.FindToolServerAsync(others));
    }

    [Fact]
    public async Task A_consent_that_is_withdrawn_while_the_model_writes_stops_the_call()
    {
        await using var host = await ToolServerHost.StartAsync();
        var (server, user, offered) = await OfferedAsync(host);
        await using var _ = offered;
        (await user.DeleteAsync($"{ToolClients.Servers}/{server}/consent", Timeout)).EnsureSuccessStatusCode();
        Assert.Equal("tools.consent_required", (await CallAsync(offered, server, "echo", """{"text":"a"}""")).Code);
        Assert.Empty(host.Called);
    }

    [Fact]
    public async Task Another_address_ends_all_consents_also_for_sessions_that_are_open()
    {
        await using var host = await ToolServerHost.StartAsync();
        var (server, user, offered) = await OfferedAsync(host);
        await using var _ = offered;
        await platform.Administrator.SaveToolServerAsync(server, new { title = "Same address", address = host.Address, expectedVersion = 1 });
        Assert.False((await CallAsync(offered, server, "echo", """{"text":"a"}""")).IsError);

        await platform.Administrator.SaveToolServerAsync(server, new { title = "Moved", address = $"{host.Address}?moved", expectedVersion = 2 });
        Assert.Equal("tools.consent_required", (await CallAsync(offered, server, "echo", """{"text":"a"}""")).Code);
        Assert.Equal((403, "tools.consent_required"), await RefusalAsync(async () => await Box.OfferAsync(await IdentityAsync(user), [server], Timeout)));
        Assert.Equal(System.Text.Json.JsonValueKind.Null, (await user.FindToolServerAsync(server))!.Value.GetProperty("consent").ValueKind);

        (await user.ConsentAsync(server, "*")).EnsureSuccessStatusCode(); // to the new address, which the old session does not lead to
        Assert.Equal("tools.consent_required", (await CallAsync(offered, server, "echo", """{"text":"a"}""")).Code);
        Assert.Single(host.Called);
    }

    [Fact]
    public async Task A_consent_to_named_tools_covers_no_other()
    {
        await using var host = await ToolServerHost.StartAsync();
        host.Say("erase", (_, _) => Task.FromResult(ToolServerHost.Text("gone")));
        var (server, user, offered) = await OfferedAsync(host, "echo", "later");
        await using var _ = offered;
        Assert.Equal($"{server}__echo", Assert.Single(offered.Tools).Name);
        Assert.Equal("tools.unknown", (await CallAsync(offered, server, "erase", """{"text":"a"}""")).Code);
        Assert.Equal("tools.unknown", (await Box.CallAsync(offered, new ToolCall("1", "echo", """{"text":"a"}"""), Timeout)).Code);

        (await user.ConsentAsync(server, "erase")).EnsureSuccessStatusCode(); // instead of echo
        Assert.Equal("tools.consent_required", (await CallAsync(offered, server, "echo", """{"text":"a"}""")).Code);
        Assert.Empty(host.Called);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\"text\"")]
    [InlineData("{}")]
    [InlineData("""{"text":1}""")]
    [InlineData("""{"text":"a","count":"many"}""")]
    [InlineData("""{"text":"a","count":1.5}""")]
    public async Task Arguments_that_do_not_fit_are_not_sent(string arguments)
    {
        await using var host = await ToolServerHost.StartAsync();
        var (server, _, offered) = await OfferedAsync(host);
        await using var _ = offered;
        var result = await CallAsync(offered, server, "echo", arguments);
        Assert.Equal((true, "tools.arguments_invalid"), (result.IsError, result.Code));
        Assert.Equal("tools.arguments_invalid", (await CallAsync(offered, server, "echo", $$"""{"text":"{{new string('a', 70_000)}}"}""")).Code);
        Assert.Empty(host.Called);
    }

    [Fact]
    public async Task A_call_that_never_ends_is_given_up_after_a_minute_and_one_that_is_cancelled_at_once()
    {
        await using var host = await ToolServerHost.StartAsync();
        var entered = new SemaphoreSlim(0);
        host.Say("slow", async (_, cancellation) =>
        {
            entered.Release();
            await Task.Delay(System.Threading.Timeout.Infinite, cancellation);
            return ToolServerHost.Text("late");
        });
        var (server, _, offered) = await OfferedAsync(host);
        await using var _ = offered;
        var clock = new FakeTimeProvider();
        var box = new ToolBox(Services.GetRequiredService<IChatStore>(), Services.GetRequiredService<ToolSessions>(), clock);
        var slow = new ToolCall("1", $"{server}__slow", """{"text":"a"}""");
        var calling = box.CallAsync(offered, slow, Timeout);
        await entered.WaitAsync(Timeout);
        clock.Advance(TimeSpan.FromSeconds(59));
        Assert.False(calling.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("tools.timeout", (await calling).Code);

        using var stop = new CancellationTokenSource();
        var stopped = box.CallAsync(offered, slow, stop.Token);
        await entered.WaitAsync(Timeout);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stopped);
        Assert.False((await CallAsync(offered, server, "echo", """{"text":"still there"}""")).IsError);
    }

    [Fact]
    public async Task A_server_that_says_nothing_is_given_up_after_fifteen_seconds()
    {
        var asked = new SemaphoreSlim(0);
        await using var silent = await FileServer.StartAsync(async context =>
        {
            asked.Release();
            await Task.Delay(System.Threading.Timeout.Infinite, context.RequestAborted);
        });
        var clock = new FakeTimeProvider();
        var sessions = new ToolSessions(Services.GetRequiredService<GuardedHttp>(), Services.GetRequiredService<MasterKey>(), clock);
        var opening = RefusalAsync(() => sessions.OpenAsync(Server(silent.Address), Timeout));
        await asked.WaitAsync(Timeout);
        clock.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal((502, "tools.unreachable"), await opening);
    }

    public static TheoryData<string> Rubbish => ["html", "json", "endless", "status", "hang-up", "list"];

    [Theory, MemberData(nameof(Rubbish))]
    public async Task What_answers_rubbish_is_no_tool_server(string kind)
    {
        await using var rubbish = await FileServer.StartAsync(context => AnswerRubbishAsync(context, kind));
        var sessions = Services.GetRequiredService<ToolSessions>();
        Assert.Equal((502, "tools.unreachable"), await RefusalAsync(() => sessions.OpenAsync(Server(rubbish.Address), Timeout)));
    }

    [Fact]
    public async Task An_address_where_nobody_listens_is_answered_as_such()
    {
        Uri gone;
        await using (var host = await ToolServerHost.StartAsync())
        {
            gone = host.Address;
        }

        var name = $"gone-{Guid.CreateVersion7():n}"[..32];
        await platform.Administrator.SaveToolServerAsync(name, new { title = "Gone", address = gone });
        var (user, _) = await UserAsync();
        Assert.Equal("502 tools.unreachable", await (await user.GetAsync($"{ToolClients.Servers}/{name}/tools", Timeout)).CodeAsync());
    }

    [Fact]
    public async Task A_redirect_leads_nowhere_and_carries_no_token_away()
    {
        var seen = 0;
        await using var canary = await FileServer.StartAsync(context =>
        {
            Interlocked.Increment(ref seen);
            return Task.CompletedTask;
        });
        await using var redirecting = await FileServer.StartAsync(context =>
        {
            context.Response.Redirect(canary.Address.ToString(), permanent: false, preserveMethod: true);
            return Task.CompletedTask;
        });
        Assert.Equal((502, "tools.unreachable"), await RefusalAsync(() => Services.GetRequiredService<ToolSessions>().OpenAsync(Server(redirecting.Address), Timeout)));
        Assert.Equal(0, seen);
    }

    [Fact]
    public async Task Only_the_address_that_was_named_is_reached_where_the_rest_of_the_house_is_closed()
    {
        await using var host = await ToolServerHost.StartAsync();
        using var guarded = new GuardedHttp(new AddressGuard([]), TimeProvider.System);
        var sessions = new ToolSessions(guarded, Services.GetRequiredService<MasterKey>(), TimeProvider.System);
        await using var session = await sessions.OpenAsync(Server(host.Address), Timeout);
        Assert.Equal("echo", Assert.Single(session.Tools.Items).Name);
    }

    [Fact]
    public async Task A_server_that_goes_away_or_breaks_gives_results_and_no_exceptions()
    {
        await using var host = await ToolServerHost.StartAsync();
        host.Say("failing", (_, _) => Task.FromResult(new CallToolResult { IsError = true, Content = [new TextContentBlock { Text = "out of paper" }] }));
        host.Say("broken", (_, _) => throw new InvalidOperationException("inside"));
        var (server, _, offered) = await OfferedAsync(host);
        await using var _ = offered;
        Assert.Equal(new ToolResult("out of paper", true, null), await CallAsync(offered, server, "failing", """{"text":"a"}"""));
        Assert.True((await CallAsync(offered, server, "broken", """{"text":"a"}""")).IsError);
        await host.DisposeAsync();
        Assert.Equal("tools.failed", (await CallAsync(offered, server, "echo", """{"text":"a"}""")).Code);
    }

    [Fact]
    public async Task What_is_no_text_is_named_and_what_is_too_long_is_cut_between_characters()
    {
        await using var host = await ToolServerHost.StartAsync();
        host.Say("picture", (_, _) => Task.FromResult(new CallToolResult
        {
            Content = [new TextContentBlock { Text = "See:" }, ImageContentBlock.FromBytes(new byte[12_000], "image/png"), new ResourceLinkBlock { Name = "more", Uri = "file:///more" }],
        }));
        host.Say("huge", (_, _) => Task.FromResult(ToolServerHost.Text(string.Concat(Enumerable.Repeat("a€😀", 100_000)))));
        host.Say("endless", (_, _) => Task.FromResult(ToolServerHost.Text(new string('a', 9 << 20))));
        host.Say("silent", (_, _) => Task.FromResult(new CallToolResult { Content = [] }));
        var (server, _, offered) = await OfferedAsync(host);
        await using var _ = offered;

        Assert.Equal("See:\n[image/png, 12 kB, left out]\n[link to file:///more, not followed]", (await CallAsync(offered, server, "picture", """{"text":"a"}""")).Text);
        var huge = (await CallAsync(offered, server, "huge", """{"text":"a"}""")).Text;
        Assert.InRange(Encoding.UTF8.GetByteCount(huge), ToolResult.MostBytes - 4, ToolResult.MostBytes);
        Assert.EndsWith("[The result has 800000 bytes and is cut here.]", huge, StringComparison.Ordinal);
        Assert.DoesNotContain("\uFFFD", huge, StringComparison.Ordinal);
        Assert.Equal("tools.failed", (await CallAsync(offered, server, "endless", """{"text":"a"}""")).Code);
        Assert.Equal("The tool gave no text.", (await CallAsync(offered, server, "silent", """{"text":"a"}""")).Text);
        Assert.False((await CallAsync(offered, server, "echo", """{"text":"still there"}""")).IsError);
    }

    [Fact]
    public async Task A_server_with_too_many_tools_shows_the_first_ones_and_how_many_are_left_out()
    {
        await using var host = await ToolServerHost.StartAsync();
        host.PageSize = 50;
        for (var i = 0; i < 199; i++)
        {
            host.Say($"tool-{i:000}", (_, _) => Task.FromResult(ToolServerHost.Text("")));
        }

        var server = await host.RegisterAsync(platform.Administrator);
        var (user, _) = await UserAsync();
        var list = await user.GetJsonAsync($"{ToolClients.Servers}/{server}/tools");
        Assert.Equal((128, 22), (list.GetProperty("items").GetArrayLength(), list.GetProperty("leftOut").GetInt32())); // of the three pages that were read
        host.Tools.Clear();
        host.Say("one", (_, _) => Task.FromResult(ToolServerHost.Text("")));
        host.IsEndless = true;
        Assert.Equal(1, (await user.GetJsonAsync($"{ToolClients.Servers}/{server}/tools")).GetProperty("items").GetArrayLength());
    }

    [Fact]
    public async Task Servers_are_offered_together_or_not_at_all()
    {
        await using var host = await ToolServerHost.StartAsync();
        await using var second = await ToolServerHost.StartAsync();
        var (first, also) = (await host.RegisterAsync(platform.Administrator), await second.RegisterAsync(platform.Administrator));
        var (user, me) = await UserAsync();
        (await user.ConsentAsync(first, "*")).EnsureSuccessStatusCode();
        (await user.ConsentAsync(also, "*")).EnsureSuccessStatusCode();
        await using (var offered = await Box.OfferAsync(me, [first, also, first], Timeout))
        {
            Assert.Equal(new[] { $"{first}__echo", $"{also}__echo" }.Order(StringComparer.Ordinal), offered.Tools.Select(t => t.Name));
        }

        await second.DisposeAsync();
        Assert.Equal((502, "tools.unreachable"), await RefusalAsync(() => Box.OfferAsync(me, [first, also], Timeout)));
        Assert.Equal((422, "tools.too_many_servers"), await RefusalAsync(() => Box.OfferAsync(me, [.. Enumerable.Range(0, 17).Select(i => $"s{i}")], Timeout)));
    }

    [Theory]
    [InlineData("echo", "notes__echo")]
    [InlineData("list.files", "notes__list.files")]
    public void A_tool_keeps_its_name_where_it_can(string tool, string name) => Assert.Equal(name, OfferedTools.NameOf("notes", tool));

    [Fact]
    public void Other_names_are_made_to_fit_and_stay_apart()
    {
        string[] tools = ["read file", "read/file", "read_file", "lesen\u00e4", new('x', 60), new('x', 61), new('x', 200)];
        string[] names = [.. tools.Select(tool => OfferedTools.NameOf("a-server-with-a-name-of-32-chars", tool))];
        Assert.Equal(tools.Length, names.Distinct().Count());
        Assert.All(names, name => Assert.Matches("^[A-Za-z0-9_.-]{1,64}$", name));
    }

    private static async Task AnswerRubbishAsync(HttpContext context, string kind)
    {
        switch (kind)
        {
            case "html":
                context.Response.ContentType = "text/html";
                await context.Response.WriteAsync("<h1>Welcome</h1>");
                break;
            case "json":
                context.Response.ContentType = "application/json";
                await context.Response.WriteAsync("{\"jsonrpc\":\"2.0\",");
                break;
            case "endless":
                context.Response.ContentType = "application/json";
                for (var piece = new byte[64 << 10]; !context.RequestAborted.IsCancellationRequested;)
                {
                    await context.Response.Body.WriteAsync(piece, context.RequestAborted);
                }

                break;
            case "status":
                context.Response.StatusCode = 418;
                break;
            case "hang-up":
                context.Abort();
                break;
            case "list":
                var id = (await System.Text.Json.JsonDocument.ParseAsync(context.Request.Body)).RootElement.TryGetProperty("id", out var given) ? given.GetRawText() : "null";
                context.Response.ContentType = "application/json";
                await context.Response.WriteAsync($$$"""{"jsonrpc":"2.0","id":{{{id}}},"result":{"tools":"none"}}""");
                break;
        }
    }

    private static ToolServer Server(Uri address) => new()
    {
        Id = "direct",
        Title = "Direct",
        Address = address.ToString(),
        IsEnabled = true,
        Rights = new ToolRights(true, []),
        Version = 1,
        CreatedAt = DateTimeOffset.UnixEpoch,
        ChangedAt = DateTimeOffset.UnixEpoch,
    };

    private async Task<(string Server, HttpClient User, OfferedTools Offered)> OfferedAsync(ToolServerHost host, params string[] consent)
    {
        var server = await host.RegisterAsync(platform.Administrator);
        var (user, me) = await UserAsync();
        (await user.ConsentAsync(server, consent.Length == 0 ? ["*"] : consent)).EnsureSuccessStatusCode();
        return (server, user, await Box.OfferAsync(me, [server], Timeout));
    }

    private Task<ToolResult> CallAsync(OfferedTools offered, string server, string tool, string arguments) =>
        Box.CallAsync(offered, new ToolCall("1", $"{server}__{tool}", arguments), Timeout);

    private async Task<(HttpClient Client, ModelUser User)> UserAsync()
    {
        var client = await platform.UserAsync();
        return (client, await IdentityAsync(client));
    }

    private static async Task<ModelUser> IdentityAsync(HttpClient client)
    {
        var me = await client.GetJsonAsync("/api/v1/auth/me");
        return new ModelUser(Guid.Parse(me.Text("id")!), me.Text("role")!);
    }

    private static async Task<(int Status, string Code)> RefusalAsync(Func<Task> act)
    {
        var error = (await Assert.ThrowsAsync<Refusal>(act)).Error;
        return (error.Status, error.Code);
    }
}
