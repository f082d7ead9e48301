using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Inference.OpenAi;

/// <summary>Reads <c>tools</c>, <c>tool_choice</c> and <c>parallel_tool_calls</c>.</summary>
internal sealed record ToolParams(IReadOnlyList<Tool> Tools, ToolChoice Choice, bool Parallel)
{
    private const int MostTools = 128; // as OpenAI
    private const int LongestName = 64;

    public static ToolParams Read(JsonBody body)
    {
        var tools = (body.Objects("tools") ?? []).Select(ReadTool).ToList();
        if (tools.Count > MostTools)
        {
            throw Refusal.BadParam("tools", $"tools holds at most {MostTools} functions.");
        }

        if (tools.GroupBy(tool => tool.Name).FirstOrDefault(same => same.Count() > 1) is { } twice)
        {
            throw Refusal.BadParam("tools", $"Two functions are called '{twice.Key}'.");
        }

        return new ToolParams(tools, ReadChoice(body, tools), body.Flag("parallel_tool_calls") ?? true);
    }

    private static Tool ReadTool(JsonBody item)
    {
        if (item.RequiredText("type") != "function")
        {
            throw Refusal.BadParam(item.At("type"), "Only functions are supported as tools.", "param.unsupported");
        }

        var function = item.Object("function") ?? throw item.Missing("function");
        var name = function.RequiredText("name");
        if (name.Length is 0 or > LongestName || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.'))
        {
            throw Refusal.BadParam(function.At("name"), $"A function's name is 1 to {LongestName} letters, digits, '_', '-' and '.'.");
        }

        return new Tool(name, function.Text("description"), function.Object("parameters")?.Json) { Strict = function.Flag("strict") ?? false };
    }

    private static ToolChoice ReadChoice(JsonBody body, List<Tool> tools)
    {
        if (!body.Has("tool_choice"))
        {
            return ToolChoice.Auto;
        }

        if (body.IsText("tool_choice"))
        {
            return body.Text("tool_choice") switch
            {
                "auto" => ToolChoice.Auto,
                "none" => new ToolChoice(ToolChoiceMode.None),
                "required" when tools.Count > 0 => new ToolChoice(ToolChoiceMode.Required),
                "required" => throw Refusal.BadParam("tool_choice", "tool_choice requires a call, but there are no tools."),
                _ => throw Refusal.BadParam("tool_choice", "tool_choice is auto, none, required or names a function."),
            };
        }

        var choice = body.Object("tool_choice")!;
        if (choice.RequiredText("type") != "function")
        {
            throw Refusal.BadParam("tool_choice.type", "tool_choice can name a function and nothing else.", "param.unsupported");
        }

        var name = (choice.Object("function") ?? throw choice.Missing("function")).RequiredText("name");
        return tools.Any(tool => tool.Name == name)
            ? new ToolChoice(ToolChoiceMode.Required, name)
            : throw Refusal.BadParam("tool_choice.function.name", $"There is no tool called '{name}'.");
    }
}
