using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using LlmPlatform.Inference.Installs;
using LlmPlatform.Inference.Models;
using LlmPlatform.ModuleTests.Support;
using LlmPlatform.SharedKernel.Outside;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

/// <summary>A46 to A48: sources that lie, break off or change, and installs that want the same.</summary>
public sealed class DownloadTests(PlatformFixture platform)
{
    private const long Chunk = 65536; // as the fixture sets it

    private static readonly byte[] Tiny = File.ReadAllBytes(TinyModel.Path);

    [Fact]
    public async Task A_connection_that_breaks_is_taken_up_where_it_ended()
    {
        await using var server = await RangeServer.StartAsync(Other(11));
        var breaks = 0;
        server.MayGoOn = (position, _) => Task.FromResult(position < (breaks + 1) * 100_000 || ++breaks > 4);
        var install = await platform.Administrator.InstallAsync(server.Address.ToString(), "broken-often");
        Assert.Equal("succeeded", install.Text("state"));
        Assert.Equal(5, server.Starts.Count);
        Assert.Equal(server.Starts.Order().Distinct(), server.Starts); // each goes on behind the one before
        Assert.Equal(Hash(Other(11)), await DigestAsync("broken-often"));
    }

    [Fact]
    public async Task A_server_that_gives_no_ranges_is_read_from_the_start_again()
    {
        await using var server = await RangeServer.StartAsync(Other(12));
        server.GivesRanges = false;
        var breaks = 0;
        server.MayGoOn = (position, _) => Task.FromResult(position < 100_000 || ++breaks > 1);
        var install = await platform.Administrator.InstallAsync(server.Address.ToString(), "rangeless");
        Assert.Equal("succeeded", install.Text("state"));
        Assert.Equal([0, 0], server.Starts);
    }

    [Fact]
    public async Task A_file_that_changed_at_its_source_is_not_mixed_with_what_came_before()
    {
        await using var server = await RangeServer.StartAsync(Other(13));
        server.MayGoOn = (position, _) =>
        {
            var goesOn = position < 100_000 || server.ETag == "\"two\"";
            server.ETag = goesOn ? server.ETag : "\"two\"";
            return Task.FromResult(goesOn);
        };
        var install = await platform.Administrator.InstallAsync(server.Address.ToString(), "changed");
        AssertFailed(install, "download.changed");
        await AssertGoneAsync(server.Address);
    }

    [Fact]
    public async Task A_part_that_was_not_asked_for_is_refused()
    {
        var requests = 0;
        await using var server = await FileServer.StartAsync(async context =>
        {
            context.Response.Headers.ETag = "\"one\"";
            if (Interlocked.Increment(ref requests) == 1)
            {
                context.Response.ContentLength = Tiny.Length;
                await context.Response.Body.WriteAsync(Tiny.AsMemory(0, 100_000));
                await context.Response.Body.FlushAsync();
                context.Abort();
                return;
            }

            context.Response.StatusCode = StatusCodes.Status206PartialContent;
            context.Response.Headers.ContentRange = $"bytes 7-{Tiny.Length - 1}/{Tiny.Length}";
            await context.Response.Body.WriteAsync(Tiny.AsMemory(7));
        });
        var address = new Uri(server.Address, "a.gguf");
        AssertFailed(await platform.Administrator.InstallAsync(address.ToString(), "other-part"), "download.range");
        await AssertGoneAsync(address);
    }

    [Fact]
    public async Task A_source_that_always_ends_early_fails_and_can_be_tried_again_from_there()
    {
        await using var server = await RangeServer.StartAsync(Other(14));
        var isBroken = true;
        server.MayGoOn = (position, _) => Task.FromResult(position < 200_000 || !isBroken);
        var install = await platform.Administrator.InstallAsync(server.Address.ToString(), "tried-again");
        Assert.Contains(install.GetProperty("error").Text("code"), new[] { "download.size", "download.broken", "download.unreachable" });
        Assert.True(install.GetProperty("canResume").GetBoolean());
        Assert.True(install.GetProperty("completedBytes").GetInt64() > 0);
        isBroken = false;
        var id = install.Text("id");
        Assert.Equal(HttpStatusCode.Accepted, (await platform.Administrator.PostAsync($"/api/v1/inference/installs/{id}/retry", null)).StatusCode);
        var over = await EventuallyOverAsync(id!);
        Assert.Equal("succeeded", over.Text("state"));
        Assert.Equal(server.Starts.Order(), server.Starts);
        await AssertGoneAsync(server.Address);
    }

    [Fact]
    public async Task A_source_that_trickles_is_given_up_though_something_always_comes()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch);
        var requests = 0;
        await using var server = await FileServer.StartAsync(async context =>
        {
            Interlocked.Increment(ref requests);
            var from = (int)(context.Request.GetTypedHeaders().Range?.Ranges.Single().From ?? 0);
            context.Response.StatusCode = from > 0 ? StatusCodes.Status206PartialContent : StatusCodes.Status200OK;
            context.Response.Headers.ContentRange = from > 0 ? $"bytes {from}-{Tiny.Length - 1}/{Tiny.Length}" : default;
            context.Response.Headers.ETag = "\"one\"";
            context.Response.ContentLength = Tiny.Length - from;
            for (var i = from; i < Tiny.Length && !context.RequestAborted.IsCancellationRequested; i++)
            {
                await context.Response.Body.WriteAsync(Tiny.AsMemory(i, 1));
                await context.Response.Body.FlushAsync();
                clock.Advance(TimeSpan.FromSeconds(1)); // one byte a second
            }
        });
        var folder = TemporaryFolder.Create("llmp-trickle-");
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("Inference:ModelsPath", folder.FullName)]).Build();
        var guard = new AddressGuard([IPNetwork.Parse("127.0.0.1/32")]);
        using var http = new GuardedHttp(guard, TimeProvider.System);
        var files = new ModelFiles(configuration);
        var options = new InstallOptions { DownloadSilence = TimeSpan.FromSeconds(30), DownloadRetries = 2, DownloadRetryDelay = TimeSpan.Zero };
        var fetcher = new Fetcher(http, new InstallSources(configuration, guard), files, options, clock);
        var address = new Uri(server.Address, "a.gguf").ToString();
        var cancellation = TestContext.Current.CancellationToken;
        await using (var partial = await PartialFile.OpenAsync(files, address, 1, cancellation)) // each byte is kept
        {
            var failure = await Assert.ThrowsAsync<InstallException>(
                () => fetcher.FetchAsync(new FileLocation(address, address, null, null), partial, new Progress(clock), cancellation));
            Assert.Equal(("download.stalled", true), (failure.Code, failure.CanResume));
        }

        Assert.Equal(1 + options.DownloadRetries, requests);
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task An_endless_file_of_unknown_length_ends_where_its_header_says()
    {
        await using var server = await FileServer.StartAsync(async context =>
        {
            await context.Response.Body.WriteAsync(Tiny);
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await context.Response.Body.WriteAsync(new byte[Chunk], context.RequestAborted);
            }
        });
        var address = new Uri(server.Address, "endless.gguf");
        AssertFailed(await platform.Administrator.InstallAsync(address.ToString(), "endless"), "download.size");
        await AssertGoneAsync(address);
    }

    [Fact]
    public async Task A_file_of_unknown_length_is_installed()
    {
        await using var server = await FileServer.StartAsync(context => context.Response.Body.WriteAsync(Other(15)).AsTask());
        var install = await platform.Administrator.InstallAsync(new Uri(server.Address, "unannounced.gguf").ToString(), "unannounced");
        Assert.Equal("succeeded", install.Text("state"));
    }

    [Fact]
    public async Task A_web_page_is_refused_after_its_first_bytes()
    {
        var sent = 0L;
        await using var server = await FileServer.StartAsync(async context =>
        {
            context.Response.ContentLength = 1L << 30;
            await context.Response.WriteAsync("<html>" + new string(' ', 100));
            for (; sent < 1L << 30; sent += Chunk)
            {
                await context.Response.Body.WriteAsync(new byte[Chunk], context.RequestAborted);
            }
        });
        var address = new Uri(server.Address, "page.gguf");
        AssertFailed(await platform.Administrator.InstallAsync(address.ToString(), "page"), "gguf.magic");
        Assert.True(sent < 64 << 20, "It was read to its end.");
        await AssertGoneAsync(address);
    }

    [Fact]
    public async Task A_mark_of_GGUF_before_a_web_page_does_not_help()
    {
        byte[] content = [.. "GGUF"u8, .. new byte[] { 3, 0, 0, 0 }, .. Enumerable.Repeat((byte)'<', 5000)];
        await using var server = await RangeServer.StartAsync(content);
        var install = await platform.Administrator.InstallAsync(server.Address.ToString(), "disguised");
        Assert.Equal("failed", install.Text("state"));
        Assert.StartsWith("gguf.", install.GetProperty("error").Text("code"), StringComparison.Ordinal);
        await AssertGoneAsync(server.Address);
    }

    [Fact]
    public async Task One_wrong_byte_at_the_very_end_is_noticed()
    {
        var content = Other(16);
        var expected = Hash(content);
        content[^1] ^= 1;
        await using var server = await RangeServer.StartAsync(content);
        var install = await platform.Administrator.InstallAsync(server.Address.ToString(), "last-byte", expected);
        AssertFailed(install, "model.hash_mismatch");
        Assert.False(File.Exists(platform.BlobOf($"sha256:{Hash(content)}")));
        await Eventually.Async(() => Task.FromResult(File.Exists(platform.PartialOf($"sha256:{expected}"))), exists => !exists);
    }

    [Fact]
    public async Task Ten_installs_of_one_file_share_one_download_and_are_ten_models()
    {
        var content = Other(17);
        await using var server = await RangeServer.StartAsync(content);
        var names = Enumerable.Range(0, 10).Select(i => $"shared-{i}").ToArray();
        var installs = await Task.WhenAll(names.Select(name => platform.Administrator.InstallAsync(server.Address.ToString(), name, Hash(content))));
        Assert.All(installs, install => Assert.Equal("succeeded", install.Text("state")));
        Assert.Single(server.Starts);
        Assert.All(await Task.WhenAll(names.Select(DigestAsync)), digest => Assert.Equal(Hash(content), digest));

        // Nine go, and the file stays; the last one takes it along.
        foreach (var name in names[1..])
        {
            await platform.Administrator.DeleteAsync($"/api/v1/inference/models/{name}");
        }

        Assert.Equal(HttpStatusCode.OK, (await platform.Administrator.PostAsJsonAsync("/v1/completions", new { model = names[0], prompt = "a", max_tokens = 1 })).StatusCode);
        await platform.Administrator.DeleteAsync($"/api/v1/inference/models/{names[0]}");
        await Eventually.Async(() => Task.FromResult(File.Exists(platform.BlobOf($"sha256:{Hash(content)}"))), exists => !exists);
    }

    [Fact]
    public async Task An_install_that_is_cancelled_half_way_leaves_nothing_and_its_name_is_free()
    {
        await using var server = await RangeServer.StartAsync(Other(18));
        var id = await StopHalfWayAsync(server, "half");
        Assert.Equal(HttpStatusCode.Accepted, (await platform.Administrator.PostAsync($"/api/v1/inference/installs/{id}/cancel", null)).StatusCode);
        Assert.Equal("cancelled", (await platform.Administrator.GetJsonAsync($"/api/v1/inference/installs/{id}")).Text("state"));
        await AssertGoneAsync(server.Address);
        Assert.Equal(HttpStatusCode.Conflict, (await platform.Administrator.PostAsync($"/api/v1/inference/installs/{id}/cancel", null)).StatusCode);
        Assert.Equal("succeeded", (await platform.Administrator.InstallAsync($"file://{platform.Imports}/model.gguf", "half")).Text("state"));
    }

    [Fact]
    public async Task A_paused_install_keeps_what_it_has_and_goes_on_from_there()
    {
        await using var server = await RangeServer.StartAsync(Other(19));
        var id = await StopHalfWayAsync(server, "paused");
        for (var i = 0; i < 2; i++) // twice is once
        {
            Assert.Equal(HttpStatusCode.Accepted, (await platform.Administrator.PostAsync($"/api/v1/inference/installs/{id}/pause", null)).StatusCode);
        }

        var paused = await platform.Administrator.GetJsonAsync($"/api/v1/inference/installs/{id}");
        Assert.Equal("paused", paused.Text("state"));
        Assert.Equal(HttpStatusCode.Conflict, (await platform.Administrator.PostAsync($"/api/v1/inference/installs/{id}/retry", null)).StatusCode);
        server.MayGoOn = (_, _) => Task.FromResult(true);
        Assert.Equal(HttpStatusCode.Accepted, (await platform.Administrator.PostAsync($"/api/v1/inference/installs/{id}/resume", null)).StatusCode);
        Assert.Equal("succeeded", (await EventuallyOverAsync(id)).Text("state"));
        Assert.Equal(2, server.Starts.Count);
        Assert.InRange(server.SentAgain, 0, 16 << 10); // the piece that was on its way
    }

    [Fact]
    public async Task Pausing_and_resuming_many_times_in_a_row_loses_nothing()
    {
        await using var server = await RangeServer.StartAsync(Other(20));
        var id = await StopHalfWayAsync(server, "nervous");
        for (var i = 0; i < 10; i++)
        {
            await platform.Administrator.PostAsync($"/api/v1/inference/installs/{id}/pause", null);
            await platform.Administrator.PostAsync($"/api/v1/inference/installs/{id}/resume", null);
        }

        server.MayGoOn = (_, _) => Task.FromResult(true);
        await platform.Administrator.PostAsync($"/api/v1/inference/installs/{id}/pause", null);
        await platform.Administrator.PostAsync($"/api/v1/inference/installs/{id}/resume", null);
        Assert.Equal("succeeded", (await EventuallyOverAsync(id)).Text("state"));
        Assert.Equal(Hash(Other(20)), await DigestAsync("nervous"));
    }

    [Fact]
    public async Task Installing_what_is_being_deleted_ends_with_a_model_that_works()
    {
        var content = Other(21);
        await using var server = await RangeServer.StartAsync(content);
        await platform.Administrator.InstallAsync(server.Address.ToString(), "coming-0", Hash(content));
        for (var i = 0; i < 5; i++)
        {
            var deleted = platform.Administrator.DeleteAsync($"/api/v1/inference/models/coming-{i}");
            var install = await platform.Administrator.InstallAsync(server.Address.ToString(), $"coming-{i + 1}", Hash(content));
            Assert.Equal(HttpStatusCode.Accepted, (await deleted).StatusCode);
            Assert.Equal("succeeded", install.Text("state"));
            Assert.True(File.Exists(platform.BlobOf($"sha256:{Hash(content)}")));
        }

        Assert.Equal(HttpStatusCode.OK, (await platform.Administrator.PostAsJsonAsync("/v1/completions", new { model = "coming-5", prompt = "a", max_tokens = 1 })).StatusCode);
    }

    [Fact]
    public async Task The_progress_says_how_fast_it_goes_and_how_long_it_will_take()
    {
        await using var server = await RangeServer.StartAsync(Other(22));
        var id = await StopHalfWayAsync(server, "watched");
        var install = await Eventually.Async(() => platform.Administrator.GetJsonAsync($"/api/v1/inference/installs/{id}"), i => i.GetProperty("completedBytes").GetInt64() > 0);
        Assert.Equal("running", install.Text("state"));
        Assert.Equal("downloading", install.Text("phase"));
        Assert.True(install.GetProperty("bytesPerSecond").GetInt64() > 0);
        Assert.True(install.GetProperty("secondsLeft").GetInt64() > 0);
        server.MayGoOn = (_, _) => Task.FromResult(true);
        await platform.Administrator.PostAsync($"/api/v1/inference/installs/{id}/cancel", null);
    }

    /// <summary>A model with other weights than the fixture's, so that its digest is nobody else's.</summary>
    private static byte[] Other(int seed)
    {
        var stream = new MemoryStream();
        TinyModel.Write(stream, TinyShape.Tiny, seed);
        return stream.ToArray();
    }

    private static string Hash(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    private async Task<string> StopHalfWayAsync(RangeServer server, string name)
    {
        var isHalfWay = new TaskCompletionSource();
        server.MayGoOn = async (position, cancellation) =>
        {
            if (position >= 200_000)
            {
                isHalfWay.TrySetResult();
                await Task.Delay(Timeout.Infinite, cancellation);
            }

            return true;
        };
        var answer = await platform.Administrator.PostAsJsonAsync("/api/v1/inference/installs", new { source = server.Address, name });
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        await isHalfWay.Task;
        var id = (await answer.JsonAsync()).Text("id")!;
        await Eventually.Async(() => platform.Administrator.GetJsonAsync($"/api/v1/inference/installs/{id}"), install => install.GetProperty("completedBytes").GetInt64() >= 190_000);
        return id;
    }

    private Task<JsonElement> EventuallyOverAsync(string id) => Eventually.Async(
        () => platform.Administrator.GetJsonAsync($"/api/v1/inference/installs/{id}"), install => install.Text("state") is "succeeded" or "failed" or "cancelled");

    private async Task<string> DigestAsync(string model) => (await platform.Administrator.GetJsonAsync($"/api/v1/inference/models/{model}")).Text("digest")!["sha256:".Length..];

    private Task AssertGoneAsync(Uri key) => Eventually.Async(() => Task.FromResult(File.Exists(platform.PartialOf(key.ToString()))), exists => !exists);

    private static void AssertFailed(JsonElement install, string code)
    {
        Assert.Equal("failed", install.Text("state"));
        Assert.Equal(code, install.GetProperty("error").Text("code"));
    }
}
