using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using LlmPlatform.Inference.Engine.Generation;

namespace LlmPlatform.Inference.Engine.Templates;

/// <summary>
/// What a template reads, as a JSON object in the form that this template wants. What is not there is left out instead of null: templates ask
/// whether a value is defined.
/// </summary>
/// <param name="tokens">Of the vocabulary.</param>
/// <param name="source">The template.</param>
/// <param name="form">What it wants.</param>
internal sealed partial class TemplateValues(TemplateTokens tokens, string source, TemplateCapabilities form)
{
    private const int ShortIdLength = 9;
    private const string Letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };
    private static readonly JsonDocumentOptions Depth = new() { MaxDepth = 64 };

    // Names by which templates know what a message's author thought, besides the usual one.
    private readonly string[] reasoningNames =
        ["reasoning_content", .. new[] { "thinking", "reasoning" }.Where(name => source.Contains($"message.{name}", StringComparison.Ordinal) || source.Contains($"'{name}'", StringComparison.Ordinal))];

    // Models that can think do so unless told otherwise, but only where their thoughts have marks by which they are known.
    private readonly bool thinksInMarks = ThoughtMark().IsMatch(source);

    // Others know it as a part of the content (Mistral).
    private readonly bool hasThinkingParts = source.Contains("['thinking']", StringComparison.Ordinal) && source.Contains("== 'thinking'", StringComparison.Ordinal);

    // Gemma 4's first templates show results of calls only where they stand in the message that made the calls.
    private readonly bool hasResultsInside =
        source.Contains("message['tool_responses']", StringComparison.Ordinal) && !source.Contains("OpenAI Chat Completions:", StringComparison.Ordinal);

    /// <param name="prompt">The conversation.</param>
    /// <param name="hide">Applied to all of somebody's text, by the role whose it is.</param>
    internal string Write(ChatPrompt prompt, Func<string, string, string> hide)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Plain))
        {
            json.WriteStartObject();
            json.WriteBoolean("enable_thinking", thinksInMarks);
            WriteArguments(json, prompt.Arguments, hide); // the last of two values counts
            json.WriteString("bos_token", tokens.Bos ?? "");
            json.WriteString("eos_token", tokens.Eos ?? "");
            json.WriteBoolean("add_generation_prompt", true);
            if (prompt.Tools is { } tools)
            {
                json.WritePropertyName("tools");
                Copy(json, tools, text => hide("tools", text));
            }

            json.WriteStartArray("messages");
            IEnumerable<ChatTurn> turns = form.System ? prompt.Turns : WithoutSystem(prompt.Turns);
            foreach (var (turn, results) in hasResultsInside ? WithResults([.. turns]) : turns.Select(turn => (turn, Array.Empty<ChatTurn>())))
            {
                WriteTurn(json, turn, results, hide);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteArguments(Utf8JsonWriter json, string? arguments, Func<string, string, string> hide)
    {
        if (arguments is null)
        {
            return;
        }

        using var document = JsonDocument.Parse(arguments, Depth);
        foreach (var argument in document.RootElement.EnumerateObject().Where(argument => argument.Name is not ("messages" or "tools")))
        {
            json.WritePropertyName(argument.Name);
            Copy(json, argument.Value, text => hide("arguments", text));
        }
    }

    private void WriteTurn(Utf8JsonWriter json, ChatTurn turn, ChatTurn[] results, Func<string, string, string> hide)
    {
        json.WriteStartObject();
        json.WriteString("role", turn.Role);
        WriteContent(json, turn, text => hide(turn.Role, text));
        if (turn.Reasoning is { } reasoning)
        {
            foreach (var name in reasoningNames)
            {
                json.WriteString(name, hide(turn.Role, reasoning));
            }
        }

        if (turn.ToolCalls.Count > 0)
        {
            json.WriteStartArray("tool_calls");
            foreach (var call in turn.ToolCalls)
            {
                WriteCall(json, call, text => hide(turn.Role, text));
            }

            json.WriteEndArray();
        }

        if (results.Length > 0)
        {
            json.WriteStartArray("tool_responses");
            for (var index = 0; index < results.Length; index++)
            {
                WriteResult(json, index < turn.ToolCalls.Count ? turn.ToolCalls[index].Name : results[index].ToolCallId, results[index], hide);
            }

            json.WriteEndArray();
        }

        if (turn.ToolCallId is { } id)
        {
            json.WriteString("tool_call_id", hide(turn.Role, Id(id)));
        }

        if (turn.Name is { } author)
        {
            json.WriteString("name", hide(turn.Role, author));
        }

        json.WriteEndObject();
    }

    private void WriteContent(Utf8JsonWriter json, ChatTurn turn, Func<string, string> hide)
    {
        var thought = hasThinkingParts ? turn.Reasoning : null;
        if (!form.TypedContent && thought is null)
        {
            json.WriteString("content", hide(turn.Content));
            return;
        }

        json.WriteStartArray("content");
        if (thought is not null)
        {
            WritePart(json, "thinking", hide(thought));
        }

        if (turn.Content.Length > 0 || thought is null)
        {
            WritePart(json, "text", hide(turn.Content));
        }

        json.WriteEndArray();
    }

    private static void WritePart(Utf8JsonWriter json, string type, string text)
    {
        json.WriteStartObject();
        json.WriteString("type", type);
        json.WriteString(type, text);
        json.WriteEndObject();
    }

    private void WriteCall(Utf8JsonWriter json, ChatToolCall call, Func<string, string> hide)
    {
        json.WriteStartObject();
        json.WriteString("type", "function");
        json.WriteString("id", hide(Id(call.Id)));
        json.WriteStartObject("function");
        json.WriteString("name", hide(call.Name));
        if (form.ArgumentsAsText)
        {
            json.WriteString("arguments", hide(call.Arguments));
        }
        else
        {
            json.WritePropertyName("arguments");
            Copy(json, call.Arguments, hide);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>Results, and the answer after them, move into the message that made the calls.</summary>
    private static IEnumerable<(ChatTurn Turn, ChatTurn[] Results)> WithResults(List<ChatTurn> turns)
    {
        for (var at = 0; at < turns.Count; at++)
        {
            var turn = turns[at];
            ChatTurn[] results = turn.ToolCalls.Count == 0 ? [] : [.. turns.Skip(at + 1).TakeWhile(next => next.Role == "tool")];
            at += results.Length;
            if (results.Length > 0 && turn.Content.Length == 0 && at + 1 < turns.Count && turns[at + 1] is { Role: "assistant", ToolCalls.Count: 0, Content: { Length: > 0 } answer })
            {
                turn = turn with { Content = answer };
                at++;
            }

            yield return (turn, results);
        }
    }

    /// <summary>What is JSON is a value; the rest is text.</summary>
    private static void WriteResult(Utf8JsonWriter json, string? function, ChatTurn result, Func<string, string, string> hide)
    {
        json.WriteStartObject();
        json.WriteString("name", hide(result.Role, function ?? ""));
        json.WritePropertyName("response");
        try
        {
            using var document = JsonDocument.Parse(result.Content, Depth);
            Copy(json, document.RootElement, text => hide(result.Role, text));
        }
        catch (JsonException)
        {
            json.WriteStringValue(hide(result.Role, result.Content));
        }

        json.WriteEndObject();
    }

    /// <summary>The first message of a user says what the system would have.</summary>
    private static IEnumerable<ChatTurn> WithoutSystem(IReadOnlyList<ChatTurn> turns)
    {
        var system = string.Join("\n", turns.Where(turn => turn.Role == "system").Select(turn => turn.Content));
        foreach (var turn in turns.Where(turn => turn.Role != "system"))
        {
            var says = system.Length > 0 && turn.Role == "user";
            yield return says ? turn with { Content = $"{system}\n{turn.Content}" } : turn;
            system = says ? "" : system;
        }

        if (system.Length > 0)
        {
            yield return new ChatTurn("user", system, null, [], null, null);
        }
    }

    private string Id(string id)
    {
        if (!form.ShortCallIds || (id.Length == ShortIdLength && id.All(char.IsAsciiLetterOrDigit)))
        {
            return id;
        }

        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(id));
        return string.Concat(hash.Take(ShortIdLength).Select(value => Letters[value % Letters.Length]));
    }

    private static void Copy(Utf8JsonWriter json, string value, Func<string, string> hide)
    {
        try
        {
            using var document = JsonDocument.Parse(value, Depth);
            Copy(json, document.RootElement, hide);
        }
        catch (JsonException)
        {
            throw new RequestRefusedException("param.type", "The arguments of a call, and the schema of a function, are JSON of at most 64 levels.", "messages");
        }
    }

    // Its depth is limited by the parser.
    private static void Copy(Utf8JsonWriter json, JsonElement value, Func<string, string> hide)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                json.WriteStartObject();
                foreach (var property in value.EnumerateObject())
                {
                    json.WritePropertyName(hide(property.Name));
                    Copy(json, property.Value, hide);
                }

                json.WriteEndObject();
                break;
            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                {
                    Copy(json, item, hide);
                }

                json.WriteEndArray();
                break;
            case JsonValueKind.String:
                json.WriteStringValue(hide(value.GetString()!));
                break;
            default:
                value.WriteTo(json);
                break;
        }
    }

    [GeneratedRegex(@"[<\[][|/]?[a-z_]*think", RegexOptions.IgnoreCase | RegexOptions.NonBacktracking)]
    private static partial Regex ThoughtMark();
}
