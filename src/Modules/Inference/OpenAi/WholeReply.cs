using System.Text;
using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.Inference.OpenAi;

internal static class WholeReply
{
    /// <summary>Gathers a reply for clients that want it in one piece.</summary>
    public static async Task<(string Text, GenerationCompleted Completed)> ReadAsync(IAsyncEnumerable<GenerationEvent> events, CancellationToken cancellation)
    {
        var text = new StringBuilder();
        await foreach (var news in events.WithCancellation(cancellation))
        {
            switch (news)
            {
                case TextDelta delta:
                    text.Append(delta.Text);
                    break;
                case GenerationCompleted completed:
                    return (text.ToString(), completed);
            }
        }

        throw new GenerationException(502, "engine.incomplete", "The engine ended without finishing the reply; the request can be sent again.");
    }

    public static string ToWire(this FinishReason reason) => reason == FinishReason.Length ? "length" : "stop";
}
