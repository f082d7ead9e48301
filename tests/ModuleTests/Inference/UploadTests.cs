using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using LlmPlatform.Inference.Installs;
using LlmPlatform.Inference.Models;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

public sealed class UploadTests(PlatformFixture platform)
{
    [Fact]
    public async Task An_upload_without_name_or_size_and_one_that_cannot_fit_are_refused()
    {
        Assert.Equal(HttpStatusCode.BadRequest, (await RequestAsync(null, 10)).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await RequestAsync("sizeless", null)).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await RequestAsync("negative", -1)).StatusCode);
        var full = await RequestAsync("too-large", 1L << 50);
        Assert.Equal((HttpStatusCode)507, full.StatusCode);
        Assert.Equal("disk.insufficient", (await full.JsonAsync()).Text("code"));
    }

    [Fact]
    public async Task A_piece_at_another_place_or_of_another_kind_is_refused_and_changes_nothing()
    {
        var content = Location(await RequestAsync("misplaced", 1000));
        Assert.Equal(HttpStatusCode.Conflict, (await SendAsync(content, 5, new byte[10])).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await SendAsync(content, null, new byte[10])).StatusCode);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await SendAsync(content, 0, new byte[10], "text/plain")).StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, (await SendAsync(content, 0, new byte[900])).StatusCode);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await SendAsync(content, 900, new byte[200])).StatusCode);
        Assert.Equal(900, await OffsetAsync(content));
        await platform.Administrator.PostAsync(content.Replace("/content", "/cancel", StringComparison.Ordinal), null);
        Assert.Equal(HttpStatusCode.Conflict, (await SendAsync(content, 900, new byte[100])).StatusCode);
    }

    [Fact]
    public async Task Only_administrators_upload()
    {
        var content = Location(await RequestAsync("guarded", 1000));
        using var user = await platform.UserAsync();
        Assert.Equal(HttpStatusCode.Forbidden, (await SendAsync(content, 0, new byte[10], client: user)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await SendAsync(content, 0, new byte[10], client: platform.Client)).StatusCode);
        await platform.Administrator.PostAsync(content.Replace("/content", "/cancel", StringComparison.Ordinal), null);
    }

    [Fact]
    public async Task A_file_sent_in_pieces_over_connections_that_break_becomes_a_model()
    {
        var file = await File.ReadAllBytesAsync(TinyModel.Path, TestContext.Current.CancellationToken);
        var content = Location(await RequestAsync("uploaded", file.Length, Convert.ToHexStringLower(SHA256.HashData(file))));
        Assert.Equal(0, await OffsetAsync(content));
        Assert.Equal(HttpStatusCode.NoContent, (await SendAsync(content, 0, file[..100_000])).StatusCode);

        // The connection breaks in the middle of the second piece.
        var install = content.Replace("/content", "", StringComparison.Ordinal);
        var hasArrived = () => Eventually.Async(() => platform.Administrator.GetJsonAsync(install), i => i.GetProperty("completedBytes").GetInt64() > 200_000);
        using (var breaking = new HttpRequestMessage(HttpMethod.Patch, content) { Content = new BreakingContent(file[100_000..300_000], hasArrived) })
        {
            breaking.Headers.Add("Upload-Offset", "100000");
            breaking.Content.Headers.ContentType = new MediaTypeHeaderValue("application/offset+octet-stream");
            await Assert.ThrowsAsync<HttpRequestException>(() => platform.Administrator.SendAsync(breaking, TestContext.Current.CancellationToken));
        }

        var offset = await OffsetAsync(content); // what came is kept
        Assert.InRange(offset, 200_000, 300_000);
        var sent = await Eventually.Async(async () => await SendAsync(content, offset = await OffsetAsync(content), file[(int)offset..]), answer => answer.IsSuccessStatusCode);
        Assert.Equal(HttpStatusCode.NoContent, sent.StatusCode);
        var over = await Eventually.Async(() => platform.Administrator.GetJsonAsync(install), i => i.Text("state") is "succeeded" or "failed");
        Assert.Equal("succeeded", over.Text("state"));
        Assert.Equal(HttpStatusCode.OK, (await platform.Administrator.PostAsJsonAsync("/v1/completions", new { model = "uploaded", prompt = "a", max_tokens = 1 })).StatusCode);
    }

    [Fact]
    public async Task An_upload_that_was_paused_goes_on_with_its_next_piece()
    {
        var file = Other(61);
        var content = Location(await RequestAsync("paused-upload", file.Length));
        var install = content.Replace("/content", "", StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NoContent, (await SendAsync(content, 0, file[..200_000])).StatusCode);
        Assert.Equal(HttpStatusCode.Accepted, (await platform.Administrator.PostAsync($"{install}/pause", null)).StatusCode);
        Assert.Equal(HttpStatusCode.Conflict, (await SendAsync(content, 200_000, file[200_000..])).StatusCode);
        for (var i = 0; i < 2; i++) // twice is once
        {
            Assert.Equal(HttpStatusCode.Accepted, (await platform.Administrator.PostAsync($"{install}/resume", null)).StatusCode);
        }

        Assert.Equal(200_000, await OffsetAsync(content));
        Assert.Equal(HttpStatusCode.NoContent, (await SendAsync(content, 200_000, file[200_000..])).StatusCode);
        var over = await Eventually.Async(() => platform.Administrator.GetJsonAsync(install), i => i.Text("state") is "succeeded" or "failed");
        Assert.Equal("succeeded", over.Text("state"));
    }

    [Fact]
    public async Task A_whole_upload_whose_host_ended_before_it_said_so_is_taken_up_by_whoever_looks()
    {
        var file = Other(62);
        var content = Location(await RequestAsync("unannounced-upload", file.Length));
        var install = content.Replace("/content", "", StringComparison.Ordinal);
        var files = platform.Platform.App.Services.GetRequiredService<ModelFiles>();
        await using (var partial = PartialFile.Continue(files, $"upload:{Guid.Parse(install.Split('/')[^1]):n}", 65536))
        {
            partial.Begin(file.Length, null);
            await partial.WriteAsync(file, TestContext.Current.CancellationToken);
            partial.Sync();
        }

        Assert.Equal(file.Length, await OffsetAsync(content));
        var over = await Eventually.Async(() => platform.Administrator.GetJsonAsync(install), i => i.Text("state") is "succeeded" or "failed");
        Assert.Equal("succeeded", over.Text("state"));
    }

    private static byte[] Other(int seed)
    {
        var stream = new MemoryStream();
        TinyModel.Write(stream, TinyShape.Tiny, seed);
        return stream.ToArray();
    }

    private Task<HttpResponseMessage> RequestAsync(string? name, long? sizeBytes, string? sha256 = null) =>
        platform.Administrator.PostAsJsonAsync("/api/v1/inference/installs", new { source = "upload:", name, sizeBytes, sha256 });

    private static string Location(HttpResponseMessage answer) => $"{answer.Headers.Location}/content";

    private async Task<long> OffsetAsync(string content)
    {
        using var request = new HttpRequestMessage(HttpMethod.Head, content);
        var answer = await platform.Administrator.SendAsync(request);
        return long.Parse(answer.Headers.GetValues("Upload-Offset").Single(), CultureInfo.InvariantCulture);
    }

    private async Task<HttpResponseMessage> SendAsync(string content, long? offset, byte[] piece, string type = "application/offset+octet-stream", HttpClient? client = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Patch, content) { Content = new ByteArrayContent(piece) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(type);
        if (offset is { } at)
        {
            request.Headers.Add("Upload-Offset", at.ToString(CultureInfo.InvariantCulture));
        }

        return await (client ?? platform.Administrator).SendAsync(request);
    }

    /// <summary>Announces more than it sends, and then breaks off.</summary>
    private sealed class BreakingContent(byte[] piece, Func<Task> hasArrived) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(piece);
            await stream.FlushAsync();
            await hasArrived();
            throw new IOException("The cable was pulled.");
        }

        protected override bool TryComputeLength(out long length)
        {
            length = piece.Length * 2;
            return true;
        }
    }
}
