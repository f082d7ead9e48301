using System.Buffers.Binary;
using System.Net;
using System.Text;
using LlmPlatform.Auth.Avatars;
using LlmPlatform.ModuleTests.Support;
using SkiaSharp;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

/// <summary>A37: pictures that are something else, or more than they look.</summary>
public sealed class SetAvatarTests(PlatformFixture platform)
{
    private const string Road = "/api/v1/auth/me/avatar";

    public static TheoryData<string, byte[]> NoPictures => new()
    {
        { "SVG with a script", "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"u8.ToArray() },
        { "HTML", "<!doctype html><script>alert(1)</script>"u8.ToArray() },
        { "HTML before a picture", [.. "<html><!--"u8, .. Picture(8, 8, SKEncodedImageFormat.Png)] },
        { "GIF", [.. "GIF89a"u8, 1, 0, 1, 0, 0, 0, 0, 0x3B] },
        { "nothing", [] },
        { "the first bytes of a PNG", Picture(8, 8, SKEncodedImageFormat.Png)[..12] },
        { "the first bytes of a WebP and noise", [.. "RIFF"u8, 9, 9, 9, 9, .. "WEBPVP8 "u8, 1, 2, 3, 4, 5, 6, 7, 8] },
        { "an address", "//evil.example.com/a.png"u8.ToArray() },
    };

    [Theory, MemberData(nameof(NoPictures))]
    public async Task What_is_no_picture_is_refused_whatever_it_is_called(string what, byte[] file)
    {
        using var user = await platform.UserAsync();
        await RefusedAsync(user, file, HttpStatusCode.UnsupportedMediaType, "avatar.format");
        Assert.True((await user.GetAsync(Road)).StatusCode == HttpStatusCode.NotFound, what);
    }

    [Theory, InlineData(20_000, 20_000), InlineData(4097, 1), InlineData(1, 4097)]
    public async Task A_picture_of_too_many_pixels_is_refused_before_it_is_decoded(int width, int height)
    {
        using var user = await platform.UserAsync();
        var file = Resized(Picture(8, 8, SKEncodedImageFormat.Png), width, height); // the header alone says so
        await RefusedAsync(user, file, HttpStatusCode.RequestEntityTooLarge, "avatar.too_large");
    }

    [Fact]
    public async Task A_file_of_more_than_two_megabytes_is_refused()
    {
        using var user = await platform.UserAsync();
        await RefusedAsync(user, [.. Picture(8, 8, SKEncodedImageFormat.Png), .. new byte[AvatarPictures.LargestFile]], HttpStatusCode.RequestEntityTooLarge, "body.too_large");
    }

    [Theory, InlineData(SKEncodedImageFormat.Png), InlineData(SKEncodedImageFormat.Jpeg), InlineData(SKEncodedImageFormat.Webp)]
    public async Task A_picture_is_drawn_anew_and_only_what_can_be_seen_is_kept(SKEncodedImageFormat format)
    {
        using var user = await platform.UserAsync();
        using var other = await platform.UserAsync();
        byte[] file = [.. Picture(600, 300, format), .. "<script>canary</script>"u8]; // also HTML, to whoever wants to see that
        Assert.Equal(HttpStatusCode.NoContent, (await PutAsync(user, file)).StatusCode);

        var id = (await user.GetJsonAsync("/api/v1/auth/me")).Text("id");
        var answer = await other.GetAsync($"/api/v1/auth/users/{id}/avatar");
        Assert.Equal((HttpStatusCode.OK, "image/webp"), (answer.StatusCode, answer.Content.Headers.ContentType!.MediaType));
        Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
        var shown = await answer.Content.ReadAsByteArrayAsync();
        Assert.DoesNotContain("canary", Encoding.Latin1.GetString(shown), StringComparison.Ordinal);
        using var drawn = SKBitmap.Decode(shown);
        Assert.Equal((256, 256), (drawn.Width, drawn.Height));
        Assert.True(drawn.GetPixel(40, 128).Red > 200 && drawn.GetPixel(216, 128).Blue > 200, "red at the left and blue at the right, as it was sent");

        Assert.Equal(HttpStatusCode.Unauthorized, (await platform.Client.GetAsync($"/api/v1/auth/users/{id}/avatar")).StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, (await user.DeleteAsync(Road)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await other.GetAsync($"/api/v1/auth/users/{id}/avatar")).StatusCode);
    }

    private static async Task<HttpResponseMessage> PutAsync(HttpClient client, byte[] file)
    {
        using var content = new ByteArrayContent(file);
        content.Headers.ContentType = new("image/png");
        return await client.PutAsync(Road, content);
    }

    private static async Task RefusedAsync(HttpClient client, byte[] file, HttpStatusCode status, string code)
    {
        var answer = await PutAsync(client, file);
        Assert.Equal((status, code), (answer.StatusCode, (await answer.JsonAsync()).Text("code")));
    }

    private static byte[] Picture(int width, int height, SKEncodedImageFormat format)
    {
        using var bitmap = new SKBitmap(width, height);
        using var canvas = new SKCanvas(bitmap);
        using var paint = new SKPaint { Color = SKColors.Blue };
        canvas.Clear(SKColors.Red);
        canvas.DrawRect(width / 2f, 0, width / 2f, height, paint);
        canvas.Flush();
        return bitmap.Encode(format, 90).ToArray();
    }

    // A PNG begins with eight bytes of its own, then the header: length, name, width, height, five more bytes, and a check sum of name to end.
    private static byte[] Resized(byte[] png, int width, int height)
    {
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), width);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), height);
        BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), Crc32(png.AsSpan(12, 17)));
        return png;
    }

    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        var sum = uint.MaxValue;
        foreach (var value in bytes)
        {
            sum ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                sum = (sum & 1) != 0 ? (sum >> 1) ^ 0xEDB88320 : sum >> 1;
            }
        }

        return ~sum;
    }
}
