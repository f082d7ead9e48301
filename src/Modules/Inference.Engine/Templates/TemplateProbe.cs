namespace LlmPlatform.Inference.Engine.Templates;

/// <summary>Finds out what a template can do and how it wants it, by rendering small conversations.</summary>
internal sealed class TemplateProbe(TemplateEngine engine, TemplateTokens tokens, string source)
{
    private const string Question = "probe-question", Instruction = "probe-instruction", Function = "probe_function", Key = "probe_key";

    // Values by which templates are told to think or not to.
    private static readonly string[] Switches = ["enable_thinking", "thinking"];

    private static readonly TemplateCapabilities Simplest = new(System: true, Tools: false, ParallelToolCalls: false, TypedContent: false, ThinkingSwitch: null);

    private const string Tools =
        """[{"type":"function","function":{"name":"probe_function","description":"d","parameters":{"type":"object","properties":{"probe_key":{"type":"string"}}}}}]""";

    /// <summary>Throws <see cref="TemplateException"/> where not even a question renders.</summary>
    internal TemplateCapabilities Run()
    {
        var user = Turn("user", Question);
        var form = Simplest;
        if (!Shows(form, new ChatPrompt([user]), Question))
        {
            form = form with { TypedContent = true };
            var text = Render(form, new ChatPrompt([user]));
            if (!text.Contains(Question, StringComparison.Ordinal))
            {
                throw new TemplateException("It does not show what a user says.", isRefusal: false);
            }
        }

        form = form with
        {
            System = Shows(form, new ChatPrompt([Turn("system", Instruction), user]), Instruction),
            Tools = Shows(form, new ChatPrompt([user], Tools), Function),
            ThinkingSwitch = Switches.FirstOrDefault(name => source.Contains(name, StringComparison.Ordinal) && IsSwitch(form, user, name)),
        };
        return form.Tools ? WithCalls(form, user) : form;
    }

    private TemplateCapabilities WithCalls(TemplateCapabilities form, ChatTurn user)
    {
        foreach (var shortIds in (bool[])[false, true])
        {
            foreach (var asText in (bool[])[false, true])
            {
                var tried = form with { ShortCallIds = shortIds, ArgumentsAsText = asText };
                if (TryRender(tried, Conversation(user, calls: 1)) is { } text && ShowsArguments(text))
                {
                    var two = TryRender(tried, Conversation(user, calls: 2));
                    return tried with { ParallelToolCalls = two?.Contains(Value(1), StringComparison.Ordinal) == true };
                }
            }
        }

        return form;
    }

    /// <summary>As JSON or in some form of the family's own, and neither as a text inside of a text nor as Python would print an object.</summary>
    private static bool ShowsArguments(string text) =>
        text.Contains(Value(0), StringComparison.Ordinal)
        && !text.Contains($"\\\"{Value(0)}", StringComparison.Ordinal)
        && !text.Contains($"'{Key}': '", StringComparison.Ordinal);

    private bool IsSwitch(TemplateCapabilities form, ChatTurn user, string name)
    {
        var on = TryRender(form, new ChatPrompt([user], Arguments: $$"""{"{{name}}":true}"""));
        var off = TryRender(form, new ChatPrompt([user], Arguments: $$"""{"{{name}}":false}"""));
        return on is not null && off is not null && on != off;
    }

    private static ChatPrompt Conversation(ChatTurn user, int calls)
    {
        var ids = Enumerable.Range(0, calls).Select(index => $"call_{index:D24}").ToList();
        var assistant = Turn("assistant", "") with { ToolCalls = [.. ids.Select((id, index) => new ChatToolCall(id, Function, $$"""{"{{Key}}":"{{Value(index)}}"}"""))] };
        return new ChatPrompt([user, assistant, .. ids.Select(id => Turn("tool", "r") with { ToolCallId = id, Name = Function })], Tools);
    }

    private static string Value(int call) => $"probe-value-{call}";

    private bool Shows(TemplateCapabilities form, ChatPrompt prompt, string text) => TryRender(form, prompt)?.Contains(text, StringComparison.Ordinal) == true;

    private string? TryRender(TemplateCapabilities form, ChatPrompt prompt)
    {
        try
        {
            return Render(form, prompt);
        }
        catch (TemplateException)
        {
            return null;
        }
    }

    private string Render(TemplateCapabilities form, ChatPrompt prompt) =>
        engine.Render(new TemplateValues(tokens, source, form).Write(prompt, (_, text) => text), prompt.Turns.Count);

    private static ChatTurn Turn(string role, string text) => new(role, text, null, [], null, null);
}
