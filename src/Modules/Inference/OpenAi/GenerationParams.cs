using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Inference.OpenAi;

/// <summary>What <c>/v1/completions</c> and <c>/v1/chat/completions</c> have in common.</summary>
internal sealed record GenerationParams(
    string Model, SamplingOptions Sampling, int? MaxTokens, IReadOnlyList<string> Stop, bool Stream, bool IncludeUsage)
{
    private const int MostStops = 16;
    private const int LongestStop = 1000;

    // They name another server, or reach past the engine's own checks: never ours to take from a client.
    private static readonly HashSet<string> Refused = new(StringComparer.OrdinalIgnoreCase)
    {
        "api_base", "base_url", "api_key", "n_discard", "n_keep", "id_slot", "cache_prompt", "grammar", "grammar_lazy", "chat_template",
        "chat_parser", "samplers", "n_probs",
    };

    // They would change the answer, and the engine cannot do them yet; leaving them out in silence would be a lie.
    private static readonly string[] Unsupported =
    [
        "tools", "functions", "tool_choice", "function_call", "logit_bias", "logprobs", "top_logprobs", "suffix", "audio", "modalities", "prediction",
        "web_search_options", "reasoning_effort", "verbosity", "json_schema", "structured_outputs", "min_tokens", "ignore_eos", "lora",
        "repeat_penalty", "repetition_penalty", "typical_p", "mirostat", "dry_multiplier", "xtc_probability",
    ];

    private const string GuidedDecoding = "guided_"; // a family of fields that vLLM knows

    public static GenerationParams Read(JsonBody body)
    {
        if (body.Names.FirstOrDefault(Refused.Contains) is { } refused)
        {
            throw Refusal.BadParam(refused, $"{refused} is not a parameter of this API.", "param.unknown");
        }

        var guided = body.Names.Where(name => name.StartsWith(GuidedDecoding, StringComparison.Ordinal));
        foreach (var name in Unsupported.Concat(guided).Where(body.Has))
        {
            RefuseUnlessEmpty(body, name);
        }

        RefuseUnless(body.Whole("n", 1, 128) is null or 1, "n", "Only one choice at a time can be asked for (n = 1).");
        RefuseUnless(body.Whole("best_of", 1, 128) is null or 1, "best_of", "best_of is not supported.");
        RefuseUnless(body.Flag("echo") is not true, "echo", "echo is not supported.");
        RefuseUnless(body.Number("presence_penalty", -2, 2) is null or 0, "presence_penalty", "Penalties are not supported yet.");
        RefuseUnless(body.Number("frequency_penalty", -2, 2) is null or 0, "frequency_penalty", "Penalties are not supported yet.");
        RefuseUnless(body.Object("response_format")?.RequiredText("type") is null or "text", "response_format", "Only the response format text is supported yet.");

        var sampling = new SamplingOptions
        {
            Temperature = body.Number("temperature", 0, 2) ?? 1,
            TopP = body.Number("top_p", float.Epsilon, 1),
            TopK = (int?)body.Whole("top_k", 0, int.MaxValue),
            MinP = body.Number("min_p", 0, 1),
            Seed = body.Whole("seed", long.MinValue, long.MaxValue),
        };
        // Both are read, so that a wrong one is refused also where the other one counts.
        var oldMost = body.Whole("max_tokens", 1, int.MaxValue);
        var most = body.Whole("max_completion_tokens", 1, int.MaxValue) ?? oldMost;
        var stream = body.Flag("stream") ?? false;
        var includeUsage = body.Object("stream_options")?.Flag("include_usage") ?? false;
        return new GenerationParams(body.RequiredText("model"), sampling, (int?)most, ReadStop(body), stream, includeUsage);
    }

    private static IReadOnlyList<string> ReadStop(JsonBody body)
    {
        var stop = body.Texts("stop") ?? [];
        if (stop.Count > MostStops || stop.Any(s => s.Length is 0 or > LongestStop))
        {
            throw Refusal.BadParam("stop", $"stop holds at most {MostStops} texts of 1 to {LongestStop} characters.");
        }

        return stop;
    }

    private static void RefuseUnlessEmpty(JsonBody body, string name)
    {
        var means = name switch
        {
            "tool_choice" or "function_call" => body.IsText(name) && body.Text(name) is "none" or "auto",
            "logprobs" or "ignore_eos" => body.IsFalse(name),
            "top_logprobs" or "min_tokens" or "mirostat" => body.Whole(name, 0, int.MaxValue) == 0,
            "dry_multiplier" or "xtc_probability" => body.Number(name, 0, float.MaxValue) == 0,
            "repeat_penalty" or "repetition_penalty" or "typical_p" => body.Number(name, 0, float.MaxValue) == 1,
            "tools" or "functions" or "logit_bias" or "modalities" => body.IsEmpty(name) || (name == "modalities" && body.Texts(name) is ["text"]),
            "suffix" => body.Text(name) is "",
            _ => false,
        };
        RefuseUnless(means, name, $"{name} is not supported yet.");
    }

    private static void RefuseUnless(bool isFine, string name, string sentence)
    {
        if (!isFine)
        {
            throw Refusal.BadParam(name, sentence, "param.unsupported");
        }
    }
}
