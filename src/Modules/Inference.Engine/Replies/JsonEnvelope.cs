using System.Collections;

namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>
/// Reads <c>{"name": .., "arguments": {..}}</c> in any order of keys. Arguments go out as they come once the name is known. What follows
/// the arguments may be missing: the call is whole by then.
/// </summary>
internal sealed class JsonEnvelope(CallReader reader, bool isStrict)
{
    private static readonly Markers Quote = new(["\""]);

    private string? name;
    private string? id;
    private string? held;
    private bool isWritten;

    internal IEnumerator Read()
    {
        yield return reader.Expect("{");
        var hasMore = !reader.IsBroken;
        while (hasMore)
        {
            yield return Member();
            if (reader.IsBroken)
            {
                yield break;
            }

            yield return reader.Space();
            hasMore = reader.Next == ',';
            if (hasMore)
            {
                yield return reader.Optional(",");
            }
        }

        yield return Close();
    }

    private IEnumerator Close()
    {
        if (isWritten)
        {
            yield return reader.Optional("}");
            reader.Mark();
            yield break;
        }

        if (!reader.IsBroken)
        {
            yield return reader.Expect("}");
        }

        if (!reader.IsBroken)
        {
            WriteHeld();
        }
    }

    private void WriteHeld()
    {
        if (name is null)
        {
            reader.Calls.Break("the call has no name");
        }
        else if (reader.Calls.Start(name, id))
        {
            reader.Calls.Arguments(held ?? "{}");
            reader.Calls.Finish();
            reader.Mark();
        }
    }

    private IEnumerator Member()
    {
        yield return reader.All(reader.Space(), reader.Expect("\""), reader.Until(Quote, CallReader.MaxName));
        var key = reader.Taken;
        yield return reader.All(reader.Space(), reader.Expect(":"), reader.Space());
        if (!reader.IsBroken)
        {
            yield return ValueOf(key);
        }
    }

    private IEnumerator ValueOf(string key)
    {
        switch (key)
        {
            case "arguments" or "parameters" when !isWritten && held is null:
                return Arguments();
            case "name" or "id" when !isWritten:
                return Text(key);
            case "type" or "id":
                return reader.Value();
            default:
                return isStrict && !isWritten ? Refuse(key) : reader.Value();
        }
    }

    private IEnumerator Refuse(string key)
    {
        reader.Calls.Break($"a call has no {key}");
        yield break;
    }

    private IEnumerator Text(string key)
    {
        yield return reader.Value(6 * CallReader.MaxName);
        if (reader.IsBroken)
        {
            yield break;
        }

        var text = reader.Taken.StartsWith('"') ? JsonStrings.Decode(reader.Taken) : null;
        if (key == "id")
        {
            id = text;
        }
        else if (text is null || !reader.Calls.Knows(text))
        {
            reader.Calls.Break(text is null ? "the call has no name" : $"the function {text} is not in the request");
        }
        else
        {
            name = text;
        }
    }

    private IEnumerator Arguments()
    {
        if (name is not null && reader.Next == '{')
        {
            isWritten = true;
            yield return reader.Call(name, id);
            yield break;
        }

        yield return reader.HeldArguments();
        if (reader.IsBroken)
        {
            yield break;
        }

        // Some models write the object once more as a string, as it will stand in the answer.
        var json = reader.Taken.StartsWith('"') ? JsonScanner.Mend(JsonStrings.Decode(reader.Taken)?.Trim()) : reader.Taken;
        held = json == "null" ? "{}" : json;
        if (held?.StartsWith('{') != true)
        {
            reader.Calls.Break("the arguments are no JSON object");
        }
    }
}
