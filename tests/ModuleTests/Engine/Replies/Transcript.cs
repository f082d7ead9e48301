extern alias engine;

using System.Globalization;
using System.Text;
using engine::LlmPlatform.Inference.Engine.Replies;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine.Replies;

/// <summary>A reply as its reader has it in the end.</summary>
internal sealed record Transcript(string Content, string Reasoning, string Calls, string? Diagnostic)
{
    internal static readonly ToolSignature[] Tools =
    [
        new("get_weather", """
            {"type": "object", "properties": {
                "city": {"type": "string"}, "days": {"type": "integer"}, "wind": {"type": "boolean"}, "near": {"type": ["object", "null"]}, "note": {}
            }}
            """),
        new("run", """{"type":"object","properties":{"code":{"type":"string"}}}"""),
        new("stop", null),
    ];

    internal static Transcript Of(ReplyFormat format, string reply, bool startsInReasoning = false, bool parseTools = true) =>
        Of(format, [reply], startsInReasoning, parseTools);

    /// <summary>Pieces that are whole special tokens are marked by a leading '\0'.</summary>
    internal static Transcript Of(ReplyFormat format, IEnumerable<string> pieces, bool startsInReasoning = false, bool parseTools = true)
    {
        var ids = 0;
        var parser = new ReplyParser(format, Tools, startsInReasoning, parseTools, () => $"id{ids++.ToString(CultureInfo.InvariantCulture)}");
        var parts = new List<ReplyPart>();
        foreach (var piece in pieces)
        {
            parser.Push(piece.TrimStart('\0'), piece.StartsWith('\0'), parts);
        }

        parser.Finish(parts);
        return new(
            string.Concat(parts.OfType<ReplyPart.Content>().Select(part => part.Text)),
            string.Concat(parts.OfType<ReplyPart.Reasoning>().Select(part => part.Text)),
            CallsIn(parts),
            parser.Diagnostic);
    }

    internal static List<string> Cut(string text, int[] cuts)
    {
        var pieces = new List<string>();
        for (var (at, cut) = (0, 0); at < text.Length; cut++)
        {
            var length = Math.Min(cuts[cut % cuts.Length], text.Length - at);
            pieces.Add(text.Substring(at, length));
            at += length;
        }

        return pieces;
    }

    /// <summary>One line a call: <c>index id name arguments</c>, and what has not ended ends in three dots.</summary>
    private static string CallsIn(List<ReplyPart> parts)
    {
        var lines = new StringBuilder();
        var open = -1;
        foreach (var part in parts)
        {
            switch (part)
            {
                case ReplyPart.CallStarted call:
                    lines.Append(open < 0 ? "" : "...\n").Append(CultureInfo.InvariantCulture, $"{call.Index} {call.Id} {call.Name} ");
                    open = call.Index;
                    break;
                case ReplyPart.CallArguments arguments:
                    Assert.Equal(open, arguments.Index);
                    lines.Append(arguments.Fragment);
                    break;
                case ReplyPart.CallEnded ended:
                    Assert.Equal(open, ended.Index);
                    lines.Append('\n');
                    open = -1;
                    break;
            }
        }

        return lines.Append(open < 0 ? "" : "...").ToString().TrimEnd('\n');
    }
}
