using System.Collections;

namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>One call in tags, from behind its opener.</summary>
internal sealed class XmlCall(XmlShape shape, CallReader reader)
{
    private readonly Markers nameEnds = new(shape.NameEnd.Length > 0 ? [shape.NameEnd] : [shape.Key, shape.CallEnd]);
    private readonly Markers keyEnds = new([shape.KeyEnd]);
    private readonly Markers attributeEnds = new([">"]);
    private readonly Markers valueEnds = new([shape.ValueEnd]);
    private int room = CallReader.MaxArguments;
    private bool isFirst = true;

    internal IEnumerator Read()
    {
        yield return reader.Before(nameEnds, CallReader.MaxName);
        var name = reader.Taken.Trim();
        yield return reader.Optional(shape.NameEnd);
        if (reader.IsBroken || !reader.Calls.Start(name, null))
        {
            yield break;
        }

        reader.Mark();
        yield return Parameters(new ParameterSchema(reader.Calls.Parameters(name)));
        if (!reader.IsBroken)
        {
            reader.Calls.Arguments(isFirst ? "{}" : "}");
            reader.Calls.Finish();
            reader.Mark();
        }
    }

    private IEnumerator Parameters(ParameterSchema schema)
    {
        while (!reader.IsBroken)
        {
            yield return reader.All(reader.Space(), reader.Optional(shape.CallEnd));
            if (reader.Found)
            {
                yield break;
            }

            yield return reader.All(reader.Expect(shape.Key), reader.Until(keyEnds, CallReader.MaxName));
            if (!reader.IsBroken)
            {
                yield return Parameter(reader.Taken.Trim(), schema);
            }
        }
    }

    private IEnumerator Parameter(string key, ParameterSchema schema)
    {
        var isText = schema.IsText(key);
        if (shape.SaysWhetherText)
        {
            yield return reader.Until(attributeEnds, CallReader.MaxName);
            isText |= reader.Taken.Contains("string=\"true\"", StringComparison.Ordinal);
        }
        else if (shape.Value.Length > 0)
        {
            yield return reader.All(reader.Space(), reader.Expect(shape.Value));
        }

        if (room <= key.Length)
        {
            reader.Calls.Break("the arguments are too long");
        }

        if (reader.IsBroken)
        {
            yield break;
        }

        reader.Calls.Arguments($"{(isFirst ? "{" : ", ")}\"{JsonStrings.Escape(key)}\": ");
        isFirst = false;
        room -= key.Length + 1;
        reader.Mark();
        yield return isText ? Text() : Json(key, schema);
        if (!reader.IsBroken)
        {
            reader.Mark();
        }
    }

    private IEnumerator Text()
    {
        reader.Calls.Arguments("\"");
        yield return reader.StringUntil(valueEnds, shape.IsPadded, room);
        room -= reader.Length;
        reader.Calls.Arguments(reader.IsBroken ? "" : "\"");
    }

    private IEnumerator Json(string key, ParameterSchema schema)
    {
        yield return reader.Until(valueEnds, room);
        room -= reader.Taken.Length;
        if (!reader.IsBroken)
        {
            reader.Calls.Arguments(schema.Write(key, shape.IsPadded ? Unpadded(reader.Taken) : reader.Taken));
        }
    }

    private static string Unpadded(string text)
    {
        var inner = text.StartsWith('\n') ? text[1..] : text;
        return inner.EndsWith('\n') ? inner[..^1] : inner;
    }
}
