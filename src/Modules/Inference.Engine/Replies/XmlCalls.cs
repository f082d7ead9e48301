using System.Collections;

namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>How a family writes a call in tags. An empty <c>Call</c> means that the section's opener is followed by the name.</summary>
internal sealed record XmlShape(string Section, string SectionEnd, string Call, string NameEnd, string CallEnd, string Key, string KeyEnd, string Value, string ValueEnd)
{
    /// <summary>A value stands on lines of its own.</summary>
    internal bool IsPadded { get; init; }

    /// <summary>Between key and value stands an attribute which says whether the value is text.</summary>
    internal bool SaysWhetherText { get; init; }

    internal static XmlShape QwenCoder { get; } = new(
        TaggedCalls.Open, TaggedCalls.Close, "<function=", ">", "</function>", "<parameter=", ">", "", "</parameter>")
    {
        IsPadded = true,
    };

    internal static XmlShape Glm { get; } = new(
        TaggedCalls.Open, TaggedCalls.Close, "", "", TaggedCalls.Close, "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>");

    internal static XmlShape MiniMax { get; } = new(
        "<minimax:tool_call>", "</minimax:tool_call>", "<invoke name=\"", "\">", "</invoke>", "<parameter name=\"", "\">", "", "</parameter>");

    internal static XmlShape Dsml { get; } = new(
        "<｜DSML｜function_calls>", "</｜DSML｜function_calls>", "<｜DSML｜invoke name=\"", "\">", "</｜DSML｜invoke>",
        "<｜DSML｜parameter name=\"", "\"", ">", "</｜DSML｜parameter>")
    {
        SaysWhetherText = true,
    };
}

/// <summary>Calls whose parameters stand in tags; the values become JSON by the function's schema. Envelopes of JSON are read as well.</summary>
internal sealed class XmlCalls(XmlShape shape) : TaggedCalls
{
    internal override IReadOnlyList<string> Openers { get; } = [.. new[] { Open, shape.Section, shape.Call }.Where(text => text.Length > 0).Distinct()];

    internal override IReadOnlyList<string> SectionClosers => shape.SectionEnd == Close ? [] : [shape.SectionEnd];

    internal override IReadOnlyList<string> InnerMarkers { get; } =
        [.. new[] { Close, shape.SectionEnd, shape.CallEnd, shape.Key, shape.KeyEnd, shape.Value, shape.ValueEnd }.Where(text => text.StartsWith('<')).Distinct()];

    internal override IEnumerator Read(string? opener, CallReader reader)
    {
        if (opener != shape.Call)
        {
            yield return reader.Space();
            if (reader.Next == '{')
            {
                yield return base.Read(opener, reader);
                yield break;
            }
        }

        yield return reader.All(opener == shape.Call || shape.Call.Length == 0 ? reader.Space() : reader.Expect(shape.Call));
        if (!reader.IsBroken)
        {
            yield return new XmlCall(shape, reader).Read();
        }

        if (!reader.IsBroken && shape.Section == Open && shape.CallEnd != Close)
        {
            yield return reader.Tail(Close);
        }
    }
}

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
        yield return isText ? Text() : Json(key, schema);
        reader.Mark();
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
