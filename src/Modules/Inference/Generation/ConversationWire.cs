using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.Inference.Presets;
using Message = LlmPlatform.Inference.Engine.Protocol.Message;
using Mode = LlmPlatform.Inference.Engine.Protocol.ToolChoice;

namespace LlmPlatform.Inference.Generation;

/// <summary>What callers say to a model, in the engine's words.</summary>
internal static class ConversationWire
{
    public static Conversation ToConversation(this GenerationRequest request, Preset? preset)
    {
        var wire = new Conversation
        {
            ToolChoice = request.ToolChoice.Mode switch
            {
                ToolChoiceMode.None => Mode.None,
                ToolChoiceMode.Required => Mode.Required,
                _ => Mode.Auto,
            },
            ToolName = request.ToolChoice.Name ?? "",
            SingleCall = !request.ParallelToolCalls,
            TemplateArguments = request.TemplateArguments ?? "",
            ReasoningEffort = request.ReasoningEffort ?? "",
            DropsOldestTurns = request.DropsOldestTurns,
            ContinuesLast = request.ContinuesLastMessage,
        };
        wire.Messages.AddRange(request.Messages.With(preset).Select(ToWire));
        wire.Tools.AddRange(request.Tools.Select(ToWire));
        return wire;
    }

    public static OutputForm? ToWire(this OutputFormat? format) => format switch
    {
        OutputFormat.JsonObject => new OutputForm { JsonObject = true },
        OutputFormat.JsonSchema schema => new OutputForm { JsonSchema = schema.Schema },
        OutputFormat.Regex regex => new OutputForm { Regex = regex.Pattern },
        OutputFormat.Choice choice => new OutputForm { Choice = new Texts { Texts_ = { choice.Texts } } },
        OutputFormat.Grammar grammar => new OutputForm { Grammar = grammar.Text },
        _ => null,
    };

    private static Message ToWire(ChatMessage message)
    {
        var wire = new Message { Role = message.Role, Content = message.Content };
        Set(message.Reasoning, value => wire.Reasoning = value);
        Set(message.ToolCallId, value => wire.ToolCallId = value);
        Set(message.Name, value => wire.Name = value);
        wire.ToolCalls.AddRange(message.ToolCalls.Select(
            call => new Engine.Protocol.ToolCall { Id = call.Id, Name = call.Name, Arguments = call.Arguments }));
        return wire;
    }

    private static Engine.Protocol.Tool ToWire(Contracts.Tool tool)
    {
        var wire = new Engine.Protocol.Tool { Name = tool.Name, Strict = tool.Strict };
        Set(tool.Description, value => wire.Description = value);
        Set(tool.Parameters, value => wire.Parameters = value);
        return wire;
    }

    private static void Set(string? value, Action<string> set)
    {
        if (value is not null)
        {
            set(value);
        }
    }
}
