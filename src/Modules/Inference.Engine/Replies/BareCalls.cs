using System.Collections;

namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>Llama 3: a bare envelope, or one behind <c>&lt;|python_tag|&gt;</c>; several are parted by a semicolon.</summary>
internal sealed class BareCalls : CallSyntax
{
    internal override IReadOnlyList<string> Openers => ["<|python_tag|>"];

    internal override bool ReadsBareCalls => true;

    internal override IEnumerator Read(string? opener, CallReader reader)
    {
        do
        {
            yield return reader.All(reader.Space(), new JsonEnvelope(reader, isStrict: true).Read());
            if (reader.IsBroken)
            {
                yield break;
            }

            yield return reader.Space();
            if (reader.Next == ';')
            {
                yield return reader.All(reader.Optional(";"), reader.Space());
            }
        }
        while (reader.Next == '{');
    }
}
