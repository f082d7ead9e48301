using System.Runtime.CompilerServices;
using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.ModuleTests.Support;

/// <summary>Stands in for a model where a test needs one that says exactly this, at exactly this moment, or fails.</summary>
internal sealed class ScriptedGenerator(Func<GenerationRequest, CancellationToken, IAsyncEnumerable<GenerationEvent>> script) : ITextGenerator
{
    public static ScriptedGenerator OfTexts(Func<GenerationRequest, CancellationToken, IAsyncEnumerable<string>> script) => new((request, cancellation) => Texts(script, request, cancellation));

    public static GenerationCompleted End(FinishReason reason, int tokens) => new(reason, new TokenUsage(10, tokens, 0), new GenerationTimings(default, default, default, 0, 0));

    public IAsyncEnumerable<GenerationEvent> GenerateAsync(GenerationRequest request, CancellationToken cancellation) => script(request, cancellation);

    private static async IAsyncEnumerable<GenerationEvent> Texts(
        Func<GenerationRequest, CancellationToken, IAsyncEnumerable<string>> script, GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        yield return new PromptAccepted(10);
        var tokens = 0;
        await foreach (var text in script(request, cancellation).WithCancellation(cancellation))
        {
            yield return new TextDelta(text, ++tokens);
        }

        yield return End(FinishReason.Stop, tokens);
    }
}
