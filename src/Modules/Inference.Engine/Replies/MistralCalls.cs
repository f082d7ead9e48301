using System.Collections;

namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>Mistral: <c>[TOOL_CALLS]</c> and an array of envelopes, or a name, perhaps an id, and the arguments.</summary>
internal sealed class MistralCalls : CallSyntax
{
    internal const string Open = "[TOOL_CALLS]";
    internal const string Id = "[CALL_ID]";
    internal const string Arguments = "[ARGS]";

    private static readonly Markers NameEnds = new([Id, Arguments, "{", "\n\n", Open]);
    private static readonly Markers IdEnds = new([Arguments]);

    internal override IReadOnlyList<string> Openers => [Open];

    internal override IReadOnlyList<string> InnerMarkers => [Id, Arguments];

    internal override bool EndsReasoning => true;

    internal override IEnumerator Read(string? opener, CallReader reader)
    {
        yield return reader.Space();
        if (reader.IsBroken)
        {
            yield break;
        }

        yield return reader.Next switch
        {
            '[' => Many(reader),
            '{' => new JsonEnvelope(reader, isStrict: false).Read(),
            _ => Named(reader),
        };
    }

    private static IEnumerator Many(CallReader reader)
    {
        yield return reader.Expect("[");
        do
        {
            yield return reader.All(reader.Space(), new JsonEnvelope(reader, isStrict: false).Read());
            if (reader.IsBroken)
            {
                yield break;
            }

            yield return reader.Space();
            yield return reader.Optional(",");
        }
        while (reader.Found);

        yield return reader.Optional("]");
    }

    private static IEnumerator Named(CallReader reader)
    {
        yield return reader.Before(NameEnds, CallReader.MaxName);
        var (name, id) = (reader.Taken.Trim(), "");
        yield return reader.Optional(Id);
        if (reader.Found && !reader.IsBroken)
        {
            yield return reader.Before(IdEnds, CallReader.MaxName);
            id = reader.Taken.Trim();
        }

        yield return reader.All(reader.Optional(Arguments), reader.Call(name, id));
    }
}
