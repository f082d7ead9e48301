using System.Runtime.CompilerServices;
using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.ModuleTests.Support;

/// <summary>Stands in for a model where a test needs one that says exactly this, at exactly this moment, or fails.</summary>
internal sealed class ScriptedGenerator(Func<GenerationRequest, CancellationToken, IAsyncEnumerable<string>> script) : ITextGenerator
{
    public async IAsyncEnumerable<GenerationEvent> GenerateAsync(GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        yield return new PromptAccepted(request.Messages.Count);
        var tokens = 0;
        await foreach (var text in script(request, cancellation).WithCancellation(cancellation))
        {
            yield return new TextDelta(text, ++tokens);
        }

        yield return new GenerationCompleted(FinishReason.Stop, new TokenUsage(request.Messages.Count, tokens, 0), new GenerationTimings(default, default, default, 0, 0));
    }
}
