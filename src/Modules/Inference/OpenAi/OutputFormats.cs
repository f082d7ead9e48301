using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Inference.OpenAi;

/// <summary>Reads <c>response_format</c>, and <c>structured_outputs</c> as vLLM knows it.</summary>
internal static class OutputFormats
{
    private static readonly string[] Kinds = ["json", "json_object", "regex", "choice", "grammar"];

    /// <param name="body">The request.</param>
    /// <param name="user">Who asks: a grammar is for administrators, since it is a program that runs on every token.</param>
    public static OutputFormat? Read(JsonBody body, ModelUser user)
    {
        var format = ReadResponseFormat(body.Object("response_format"));
        var structured = ReadStructured(body.Object("structured_outputs"), user);
        return format is null || structured is null
            ? format ?? structured
            : throw Refusal.BadParam("structured_outputs", "response_format and structured_outputs are given both, and the answer can have only one form.");
    }

    private static OutputFormat? ReadResponseFormat(JsonBody? format)
    {
        switch (format?.RequiredText("type"))
        {
            case null or "text":
                return null;
            case "json_object":
                return new OutputFormat.JsonObject();
            case "json_schema":
                var wrapper = format!.Object("json_schema") ?? throw format.Missing("json_schema");
                _ = wrapper.Flag("strict"); // it is always strict here
                return new OutputFormat.JsonSchema(wrapper.Any("schema") ?? throw wrapper.Missing("schema"));
            default:
                throw Refusal.BadParam("response_format.type", "response_format.type is text, json_object or json_schema.");
        }
    }

    private static OutputFormat? ReadStructured(JsonBody? wanted, ModelUser user)
    {
        if (wanted is null)
        {
            return null;
        }

        if (wanted.Names.Where(wanted.Has).ToList() is not [var kind])
        {
            throw Refusal.BadParam("structured_outputs", $"structured_outputs holds exactly one of: {string.Join(", ", Kinds)}.");
        }

        return kind switch
        {
            "json" => new OutputFormat.JsonSchema(wanted.Any(kind)!),
            "json_object" => wanted.Flag(kind) == true ? new OutputFormat.JsonObject() : null,
            "regex" => new OutputFormat.Regex(wanted.RequiredText(kind)),
            "choice" => new OutputFormat.Choice(wanted.Texts(kind)!),
            "grammar" when user.Role == Roles.Administrator => new OutputFormat.Grammar(wanted.RequiredText(kind)),
            "grammar" => throw new Refusal(new Error(403, "constraint.not_allowed", "Only administrators may send a grammar.", wanted.At(kind))),
            _ => throw Refusal.BadParam(wanted.At(kind), $"structured_outputs knows: {string.Join(", ", Kinds)}.", "param.unsupported"),
        };
    }
}
