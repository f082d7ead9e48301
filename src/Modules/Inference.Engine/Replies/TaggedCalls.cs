using System.Collections;

namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>Hermes and Qwen: <c>&lt;tool_call&gt;</c> round one JSON envelope or several.</summary>
internal class TaggedCalls : CallSyntax
{
    internal const string Open = "<tool_call>";
    internal const string Close = "</tool_call>";

    internal override IReadOnlyList<string> Openers => [Open];

    internal override IReadOnlyList<string> InnerMarkers => [Close];

    internal override IEnumerator Read(string? opener, CallReader reader)
    {
        do
        {
            yield return reader.All(reader.Space(), new JsonEnvelope(reader, isStrict: false).Read());
            if (reader.IsBroken)
            {
                yield break;
            }

            yield return reader.Space();
        }
        while (reader.Next == '{');

        yield return reader.Optional(Close);
    }
}
