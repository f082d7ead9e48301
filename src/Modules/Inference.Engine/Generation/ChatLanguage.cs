using System.Text.Json;
using System.Text.Json.Nodes;
using LlmPlatform.Inference.Engine.Constraints;
using LlmPlatform.Inference.Engine.Llama;
using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.Inference.Engine.Replies;
using LlmPlatform.Inference.Engine.Templates;
using ChatTemplate = LlmPlatform.Inference.Engine.Templates.ChatTemplate;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>How one model is spoken to and how it answers: its template, its tokens, the form of its replies, and what keeps a reply to a form.</summary>
internal sealed class ChatLanguage
{
    // What ends a turn in the built-in template, for models that have no such token and write it, if at all, as text.
    private const string TurnEnd = "<|im_end|>";
    private const int DeepestArguments = 32;

    private readonly Vocabulary vocabulary;
    private readonly ChatTemplate template;
    private readonly ReplyFormat format;

    internal ChatLanguage(Vocabulary vocabulary, string? templateSource)
    {
        this.vocabulary = vocabulary;
        var tokens = new TemplateTokens(Text(vocabulary.BeginOfText), Text(vocabulary.EndOfText), vocabulary.ControlTexts, vocabulary.AddedTexts);
        template = ChatTemplate.Load(templateSource, tokens);
        format = ReplyFormats.Detect(IsOwn ? template.Source : null);
    }

    internal TemplateCapabilities Capabilities => template.Capabilities;

    /// <summary>Whether the template is the model's own.</summary>
    internal bool IsOwn => template.IsOwn;

    /// <summary>Why it is not, where the model has one.</summary>
    internal string? Problem => template.Problem;

    internal string FormatName => format.Name;

    /// <summary>Whether the model thinks before it answers.</summary>
    internal bool Thinks => format.Reasoning is { } marks && IsOwn && Mentions(marks.Close);

    /// <summary>Throws <see cref="RequestRefusedException"/> for what the template refuses.</summary>
    internal (List<int> Tokens, bool EndsInReasoning) Render(Conversation conversation, IReadOnlyList<Message> messages)
    {
        // What is to be continued is no turn of the template, which would close it: it stands where the text of an answer does.
        var begun = conversation.ContinuesLast && messages is [.., { Role: "assistant" } last] ? last.Content : "";
        var turns = (begun.Length > 0 ? messages.Take(messages.Count - 1) : messages).Select(Turn);
        string? tools = null;
        if (conversation.Tools.Count > 0 && conversation.ToolChoice != ToolChoice.None)
        {
            (turns, tools) = Capabilities.Tools
                ? (turns, ToolTexts.ToJson(conversation.Tools))
                : (ToolTexts.Explain(turns, conversation.Tools), null);
        }

        var prompt = template.Render(new ChatPrompt([.. turns], tools, Arguments(conversation)));
        return begun.Length == 0
            ? (Tokenize(prompt), format.IsInThought(prompt.Text))
            : (Tokenize(template.Continue(prompt with { Text = prompt.Text + format.LeadsToAnswer(prompt.Text) }, begun)), false);
    }

    /// <summary>What the reply has to be; null where it may be anything.</summary>
    internal ConstraintSource? FormOf(Submit request, bool endsInReasoning) => new AnswerConstraint(format, EndsReply, Thinks).Of(request, endsInReasoning);

    /// <summary>Reads a reply to a conversation.</summary>
    internal ReplyParser Parser(Conversation conversation, bool endsInReasoning)
    {
        var calls = conversation.Tools.Count > 0 && conversation.ToolChoice != ToolChoice.None;
        var signatures = conversation.Tools.Select(tool => new ToolSignature(tool.Name, tool.HasParameters ? tool.Parameters : null));
        return new ReplyParser(format, [.. signatures], endsInReasoning, calls, format.NewCallId);
    }

    /// <summary>Texts that end a reply wherever they come.</summary>
    internal IReadOnlyList<string> TurnEnds => !IsOwn && vocabulary.ControlToken(TurnEnd) is null ? [TurnEnd] : [];

    private List<int> Tokenize(RenderedPrompt prompt)
    {
        var tokens = new List<int>();
        if (vocabulary is { StartsWithBeginOfText: true, BeginOfText: { } begin } && !(Text(begin) is { } bos && prompt.Text.StartsWith(bos, StringComparison.Ordinal)))
        {
            tokens.Add(begin);
        }

        var start = 0;
        foreach (var cut in prompt.Cuts.Append(prompt.Text.Length))
        {
            tokens.AddRange(vocabulary.Tokenize(prompt.Text[start..cut], parseSpecial: true));
            start = cut;
        }

        return tokens;
    }

    private static ChatTurn Turn(Message message) => new(
        message.Role,
        message.Content,
        message.HasReasoning ? message.Reasoning : null,
        [.. message.ToolCalls.Select(call => new ChatToolCall(call.Id, call.Name, call.Arguments))],
        message.HasToolCallId ? message.ToolCallId : null,
        message.HasName ? message.Name : null);

    private string? Arguments(Conversation conversation)
    {
        if (conversation.TemplateArguments.Length == 0 && conversation.ReasoningEffort.Length == 0)
        {
            return null;
        }

        var arguments = Parse(conversation.TemplateArguments);
        if (conversation.ReasoningEffort is { Length: > 0 } effort)
        {
            var isOff = effort is "none" or "minimal";
            RequestRefusedException.Unless(
                Capabilities.ThinkingSwitch is not null || Mentions("reasoning_effort") || (isOff && !Thinks), "reasoning_effort", "This model does not think more or less as told.");
            arguments.TryAdd("reasoning_effort", effort);
            if (Capabilities.ThinkingSwitch is { } name)
            {
                arguments.TryAdd(name, !isOff);
            }
        }

        return arguments.ToJsonString();
    }

    private static JsonObject Parse(string json)
    {
        try
        {
            return json.Length == 0 ? [] : JsonNode.Parse(json, null, new JsonDocumentOptions { MaxDepth = DeepestArguments })!.AsObject();
        }
        catch (Exception problem) when (problem is JsonException or InvalidOperationException)
        {
            throw new RequestRefusedException("param.type", "chat_template_kwargs is a JSON object.", "chat_template_kwargs");
        }
    }

    private bool EndsReply(string mark) => vocabulary.ControlToken(mark) is { } token && vocabulary.EndsGeneration(token);

    private bool Mentions(string text) => template.Source.Contains(text, StringComparison.Ordinal);

    private string? Text(int? token) => token is { } id ? vocabulary.ControlText(id) : null;
}
