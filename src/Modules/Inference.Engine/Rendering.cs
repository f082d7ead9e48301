using System.Diagnostics;
using System.Text.Json;
using LlmPlatform.Inference.Engine.Generation;
using LlmPlatform.Inference.Engine.Templates;

namespace LlmPlatform.Inference.Engine;

/// <summary>Renders a conversation with a chat template, to look at it or to compare it with what another program makes of it.</summary>
internal static class Rendering
{
    /// <summary>The chat is a JSON object as OpenAI's API takes it: messages of texts, and perhaps tools. The prompt goes to stdout as it is, the rest to stderr.</summary>
    internal static bool Run(Arguments arguments)
    {
        var started = Stopwatch.GetTimestamp();
        using var template = ChatTemplate.Load(File.ReadAllText(arguments.Template), new TemplateTokens(arguments.Bos, arguments.Eos, [], []));
        var loading = Stopwatch.GetElapsedTime(started);
        using var chat = JsonDocument.Parse(File.ReadAllText(arguments.Chat));
        var prompt = new ChatPrompt(
            [.. chat.RootElement.GetProperty("messages").EnumerateArray().Select(Turn)],
            chat.RootElement.TryGetProperty("tools", out var tools) ? tools.GetRawText() : null);
        try
        {
            using var output = Console.OpenStandardOutput();
            template.Render(prompt);
            started = Stopwatch.GetTimestamp();
            output.Write(System.Text.Encoding.UTF8.GetBytes(template.Render(prompt).Text));
            var rendering = Stopwatch.GetElapsedTime(started);
            Console.Error.WriteLine($"{template.Capabilities} problem: {template.Problem ?? "none"}; loaded in {loading.TotalMilliseconds:F0} ms, rendered in {rendering.TotalMilliseconds:F1} ms");
            return template.Problem is null;
        }
        catch (RequestRefusedException refusal)
        {
            Console.Error.WriteLine($"{refusal.Code}: {refusal.Message}");
            return false;
        }
    }

    private static ChatTurn Turn(JsonElement message) => new(
        message.GetProperty("role").GetString()!,
        message.TryGetProperty("content", out var content) ? content.GetString() ?? "" : "",
        message.TryGetProperty("reasoning_content", out var reasoning) ? reasoning.GetString() : null,
        message.TryGetProperty("tool_calls", out var calls) ? [.. calls.EnumerateArray().Select(Call)] : [],
        message.TryGetProperty("tool_call_id", out var id) ? id.GetString() : null,
        message.TryGetProperty("name", out var name) ? name.GetString() : null);

    private static ChatToolCall Call(JsonElement call) => new(
        call.GetProperty("id").GetString()!,
        call.GetProperty("function").GetProperty("name").GetString()!,
        call.GetProperty("function").GetProperty("arguments").GetString()!);
}
