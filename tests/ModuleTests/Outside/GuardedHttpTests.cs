using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;
using LlmPlatform.ModuleTests.Support;
using LlmPlatform.SharedKernel.Outside;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace LlmPlatform.ModuleTests.Outside;

/// <summary>A41 to A45 against real servers: the canary is a listener on this machine that must never be reached.</summary>
public sealed class GuardedHttpTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private readonly TcpListener canary = new(IPAddress.IPv6Any, 0) { Server = { DualMode = true } };
    private readonly GuardedHttp closed = new(new AddressGuard([]), TimeProvider.System);
    private readonly GuardedHttp open = new(new AddressGuard([IPNetwork.Parse("127.0.0.1/32")]), TimeProvider.System);

    public GuardedHttpTests() => canary.Start();

    private int Port => ((IPEndPoint)canary.LocalEndpoint).Port;

    [Theory]
    [InlineData("2130706433"), InlineData("0x7f.1"), InlineData("0177.0.0.1"), InlineData("127.1"), InlineData("0"), InlineData("0.0.0.0"), InlineData("[::]"), InlineData("[::1]")]
    [InlineData("[::ffff:7f00:1]"), InlineData("[::127.0.0.1]"), InlineData("[64:ff9b::7f00:1]"), InlineData("[2002:7f00:1::]"), InlineData("①②⑦.0.0.1"), InlineData("127。0。0。1")]
    [InlineData("localhost"), InlineData("localhost."), InlineData("LOCALHOST"), InlineData("[fe80::1]"), InlineData("[fd00::1]"), InlineData("169.254.169.254"), InlineData("100.64.1.1")]
    public async Task This_machine_is_not_reached_however_it_is_spelt(string host)
    {
        var refused = await Assert.ThrowsAsync<OutsideException>(() => GetAsync(closed, $"http://{host}:{Port}/a.gguf"));
        Assert.Equal("url.address_blocked", refused.Code);
        Assert.False(canary.Pending());
    }

    [Fact]
    public async Task A_name_that_means_this_machine_is_blocked_when_it_is_connected_to()
    {
        var refused = await Assert.ThrowsAsync<OutsideException>(() => GetAsync(closed, $"http://{Dns.GetHostName()}/a.gguf"));
        Assert.Contains(refused.Code, new[] { "url.address_blocked", "download.unreachable" }); // a machine may not know its own name
        Assert.False(canary.Pending());
    }

    [Fact]
    public async Task A_name_with_a_public_and_a_private_address_is_blocked_whole()
    {
        using var http = Resolving(_ => [IPAddress.Parse("1.1.1.1"), IPAddress.Loopback]);
        var refused = await Assert.ThrowsAsync<OutsideException>(() => GetAsync(http, "http://two-faced.example/a.gguf"));
        Assert.Equal("url.address_blocked", refused.Code);
        Assert.False(canary.Pending());
    }

    [Fact]
    public async Task A_name_is_looked_up_once_for_the_check_and_the_connection()
    {
        var lookups = 0;
        using var http = Resolving(_ => Interlocked.Increment(ref lookups) == 1 ? [IPAddress.Parse("192.0.2.1")] : [IPAddress.Loopback]);
        var refused = await Assert.ThrowsAsync<OutsideException>(() => GetAsync(http, "http://rebinding.example/a.gguf"));
        Assert.Equal("url.address_blocked", refused.Code); // of the first answer; there is no second one to slip through
        Assert.Equal(1, lookups);
        Assert.False(canary.Pending());
    }

    [Theory]
    [InlineData("http://169.254.169.254/latest"), InlineData("http://[::1]:5432/"), InlineData("file:///etc/passwd"), InlineData("gopher://127.0.0.1/"), InlineData("http://user@127.0.0.1/")]
    public async Task A_redirect_to_where_nobody_may_go_is_not_followed(string target)
    {
        await using var server = await RedirectingAsync(_ => target);
        var refused = await Assert.ThrowsAsync<OutsideException>(() => GetAsync(open, server.Address.ToString()));
        Assert.Equal("url.redirect_blocked", refused.Code);
    }

    [Fact]
    public async Task Redirects_that_do_not_end_are_given_up()
    {
        var hops = 0;
        await using var server = await RedirectingAsync(_ => $"/{Interlocked.Increment(ref hops)}");
        var refused = await Assert.ThrowsAsync<OutsideException>(() => GetAsync(open, server.Address.ToString()));
        Assert.Equal("url.redirect_blocked", refused.Code);
        Assert.Equal(4, hops);
    }

    [Fact]
    public async Task A_redirect_without_a_target_is_refused()
    {
        await using var server = await RedirectingAsync(_ => null);
        Assert.Equal("url.redirect_blocked", (await Assert.ThrowsAsync<OutsideException>(() => GetAsync(open, server.Address.ToString()))).Code);
    }

    [Theory]
    [InlineData("ftp://example.com/a"), InlineData("gopher://example.com/a"), InlineData("data:text/plain,a"), InlineData("file:///etc/passwd"), InlineData("unix:/run/a.sock")]
    public async Task Only_the_web_is_asked(string address) =>
        Assert.Equal("url.scheme", (await Assert.ThrowsAsync<OutsideException>(() => GetAsync(open, address))).Code);

    [Theory]
    [InlineData(22), InlineData(25), InlineData(5432), InlineData(8080)]
    public async Task Ports_of_other_services_are_closed(int port) =>
        Assert.Equal("url.port", (await Assert.ThrowsAsync<OutsideException>(() => GetAsync(closed, $"http://1.1.1.1:{port}/a"))).Code);

    [Fact]
    public async Task A_line_break_in_a_path_injects_no_header()
    {
        var injected = true;
        await using var server = await FileServer.StartAsync(context =>
        {
            injected = context.Request.Headers.ContainsKey("X");
            return Task.CompletedTask;
        });
        await GetAsync(open, new Uri(server.Address, "/a%0d%0aX:%20y").ToString());
        Assert.False(injected);
    }

    [Fact]
    public async Task A_credential_goes_to_its_own_origin_and_no_further()
    {
        var seen = new List<string>();
        await using var other = await FileServer.StartAsync(context =>
        {
            seen.Add($"other:{context.Request.Headers.Authorization}");
            return Task.CompletedTask;
        });
        await using var first = await FileServer.StartAsync(context =>
        {
            seen.Add($"first:{context.Request.Headers.Authorization}");
            context.Response.Redirect(context.Request.Path == "/here" ? "/there" : other.Address.ToString());
            return Task.CompletedTask;
        });
        await open.GetSmallAsync(new OutsideRequest(new Uri(first.Address, "/here")) { BearerToken = "secret" }, 1000, Patience, TestContext.Current.CancellationToken);
        Assert.Equal(["first:Bearer secret", "first:Bearer secret", "other:"], seen);
    }

    [Fact]
    public async Task A_small_answer_that_is_large_is_cut_off()
    {
        var sent = 0L;
        await using var server = await FileServer.StartAsync(async context =>
        {
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await context.Response.Body.WriteAsync(new byte[64 << 10], context.RequestAborted);
                sent += 64 << 10;
            }
        });
        var refused = await Assert.ThrowsAsync<OutsideException>(() => GetAsync(open, server.Address.ToString(), limit: 100_000));
        Assert.Equal("outside.too_large", refused.Code);
        Assert.True(sent < 64 << 20, "It read on.");
    }

    [Fact]
    public async Task A_compressed_answer_is_not_unpacked()
    {
        var bomb = new MemoryStream();
        await using (var gzip = new GZipStream(bomb, CompressionLevel.Optimal, leaveOpen: true))
        {
            await gzip.WriteAsync(new byte[10 << 20], TestContext.Current.CancellationToken);
        }

        string? asked = null;
        await using var server = await FileServer.StartAsync(context =>
        {
            asked = context.Request.Headers.AcceptEncoding;
            context.Response.Headers.ContentEncoding = "gzip";
            return context.Response.Body.WriteAsync(bomb.ToArray()).AsTask();
        });
        Assert.Equal("outside.encoded", (await Assert.ThrowsAsync<OutsideException>(() => GetAsync(open, server.Address.ToString()))).Code);
        Assert.True(string.IsNullOrEmpty(asked));
    }

    [Fact]
    public async Task An_answer_with_endless_headers_is_refused()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = Task.Run(async () =>
        {
            using var connection = await listener.AcceptTcpClientAsync();
            await using var stream = connection.GetStream();
            await stream.WriteAsync("HTTP/1.1 200 OK\r\n"u8.ToArray());
            var header = Encoding.ASCII.GetBytes($"X-Header: {new string('a', 1000)}\r\n");
            try
            {
                for (var i = 0; i < 100_000; i++)
                {
                    await stream.WriteAsync(header);
                }
            }
            catch (IOException)
            {
                return true; // it hung up
            }

            return false;
        });
        var refused = await Assert.ThrowsAsync<OutsideException>(() => GetAsync(open, $"http://{listener.LocalEndpoint}/"));
        Assert.Equal("download.unreachable", refused.Code);
        Assert.True(await serving);
    }

    [Fact]
    public async Task Who_does_not_answer_in_time_is_given_up()
    {
        await using var server = await FileServer.StartAsync(context => Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default));
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        using var http = new GuardedHttp(new AddressGuard([IPNetwork.Parse("127.0.0.1/32")]), time);
        var answer = http.GetSmallAsync(new OutsideRequest(server.Address), 1000, Patience, TestContext.Current.CancellationToken);
        time.Advance(Patience);
        Assert.Equal("outside.timeout", (await Assert.ThrowsAsync<OutsideException>(() => answer)).Code);
    }

    public void Dispose()
    {
        canary.Dispose();
        closed.Dispose();
        open.Dispose();
    }

    private static Task<SmallAnswer> GetAsync(GuardedHttp http, string address, int limit = 1 << 20) =>
        http.GetSmallAsync(new OutsideRequest(new Uri(address)), limit, Patience, TestContext.Current.CancellationToken);

    private static GuardedHttp Resolving(Func<string, IPAddress[]> resolve) =>
        new(new AddressGuard([]), TimeProvider.System, (name, _) => Task.FromResult(resolve(name)));

    private static Task<FileServer> RedirectingAsync(Func<HttpContext, string?> target) => FileServer.StartAsync(context =>
    {
        context.Response.StatusCode = StatusCodes.Status307TemporaryRedirect;
        context.Response.Headers.Location = target(context);
        return Task.CompletedTask;
    });
}
