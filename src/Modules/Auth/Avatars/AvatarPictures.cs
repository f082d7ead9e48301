using System.Threading.RateLimiting;
using LlmPlatform.SharedKernel;
using SkiaSharp;

namespace LlmPlatform.Auth.Avatars;

/// <summary>
/// Draws what people send anew: a square of 256 pixels in WebP, and nothing else that was in the file. What the file is shows in its first bytes,
/// whatever its sender calls it, and how large it is is read before it is decoded.
/// </summary>
public sealed class AvatarPictures : IDisposable
{
    /// <summary>Bytes of the largest file.</summary>
    public const int LargestFile = 2 << 20;

    public const string ContentType = "image/webp";

    private const int LargestSide = 4096;
    private const int Side = 256;
    private const int Quality = 85;

    // A picture of the largest size takes 64 MiB while it is drawn.
    private readonly ConcurrencyLimiter turns = new(new ConcurrencyLimiterOptions { PermitLimit = 1, QueueLimit = 16 });

    /// <exception cref="Refusal"><c>avatar.format</c> (415), <c>avatar.too_large</c> (413), <c>avatar.busy</c> (429)</exception>
    public async Task<byte[]> DrawAsync(ReadOnlyMemory<byte> file, CancellationToken cancellation)
    {
        using var turn = await turns.AcquireAsync(1, cancellation);
        return turn.IsAcquired
            ? Draw(file.Span)
            : throw new Refusal(new Error(429, "avatar.busy", "Too many pictures are drawn at this moment. Try again shortly.") { RetryAfter = TimeSpan.FromSeconds(2) });
    }

    public void Dispose() => turns.Dispose();

    private static byte[] Draw(ReadOnlySpan<byte> file)
    {
        // Only these decoders ever get to see it.
        if (!IsPng(file) && !IsJpeg(file) && !IsWebp(file))
        {
            throw Unreadable();
        }

        using var data = SKData.CreateCopy(file);
        using var codec = SKCodec.Create(data) ?? throw Unreadable();
        if (codec.Info.Width > LargestSide || codec.Info.Height > LargestSide)
        {
            throw new Refusal(new Error(413, "avatar.too_large", $"A picture has at most {LargestSide} pixels on each side."));
        }

        // A large JPEG is decoded to a smaller one at once.
        var scale = Math.Min(1f, (float)Side / Math.Min(codec.Info.Width, codec.Info.Height));
        var size = codec.GetScaledDimensions(scale);
        using var decoded = SKBitmap.Decode(codec, new SKImageInfo(size.Width, size.Height, SKColorType.Rgba8888, SKAlphaType.Premul)) ?? throw Unreadable();
        return Encode(decoded, codec.EncodedOrigin);
    }

    private static byte[] Encode(SKBitmap picture, SKEncodedOrigin origin)
    {
        const float half = Side / 2f;
        using var surface = SKSurface.Create(new SKImageInfo(Side, Side, SKColorType.Rgba8888, SKAlphaType.Premul));
        surface.Canvas.Clear(SKColors.Transparent);
        surface.Canvas.Translate(half, half);
        surface.Canvas.Concat(Turn(origin));
        var cut = Math.Min(picture.Width, picture.Height);
        var square = SKRect.Create((picture.Width - cut) / 2f, (picture.Height - cut) / 2f, cut, cut);
        using var image = SKImage.FromBitmap(picture);
        surface.Canvas.DrawImage(image, square, new SKRect(-half, -half, half, half), new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
        using var drawn = surface.Snapshot();
        using var encoded = drawn.Encode(SKEncodedImageFormat.Webp, Quality);
        return encoded.ToArray();
    }

    // How a camera was held, which the file says in what is left out.
    private static SKMatrix Turn(SKEncodedOrigin origin) => origin switch
    {
        SKEncodedOrigin.TopRight => SKMatrix.CreateScale(-1, 1),
        SKEncodedOrigin.BottomRight => SKMatrix.CreateScale(-1, -1),
        SKEncodedOrigin.BottomLeft => SKMatrix.CreateScale(1, -1),
        SKEncodedOrigin.LeftTop => new SKMatrix(0, 1, 0, 1, 0, 0, 0, 0, 1),
        SKEncodedOrigin.RightTop => new SKMatrix(0, -1, 0, 1, 0, 0, 0, 0, 1),
        SKEncodedOrigin.RightBottom => new SKMatrix(0, -1, 0, -1, 0, 0, 0, 0, 1),
        SKEncodedOrigin.LeftBottom => new SKMatrix(0, 1, 0, -1, 0, 0, 0, 0, 1),
        _ => SKMatrix.Identity,
    };

    private static bool IsPng(ReadOnlySpan<byte> file) => file.StartsWith((ReadOnlySpan<byte>)[0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]);

    private static bool IsJpeg(ReadOnlySpan<byte> file) => file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]);

    private static bool IsWebp(ReadOnlySpan<byte> file) => file.Length > 12 && file.StartsWith("RIFF"u8) && file[8..].StartsWith("WEBP"u8);

    private static Refusal Unreadable() => new(new Error(415, "avatar.format", "A picture is a PNG, JPEG or WebP file that can be read."));
}
