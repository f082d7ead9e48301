using System.Text;

namespace LlmPlatform.Explore.Hub;

/// <summary>What a model's page says: Markdown as its author wrote it, never HTML to be shown as it is.</summary>
/// <param name="Text">The text, without control characters.</param>
/// <param name="IsCut">There is more of it than is kept.</param>
internal sealed record HubCard(string Text, bool IsCut)
{
    private const int MostBytes = 256 << 10;

    public static HubCard From(byte[] body)
    {
        var isCut = body.Length > MostBytes;
        var text = Encoding.UTF8.GetString(body, 0, Math.Min(body.Length, MostBytes)).TrimEnd('\uFFFD'); // half a character, where it was cut
        return new HubCard(HubText.Lines(text, MostBytes), isCut);
    }
}
