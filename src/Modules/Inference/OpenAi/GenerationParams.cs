using System.Globalization;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Inference.OpenAi;

/// <summary>What <c>/v1/completions</c> and <c>/v1/chat/completions</c> have in common.</summary>
internal sealed record GenerationParams(
    string Model, SamplingOptions Sampling, int? MaxTokens, IReadOnlyList<string> Stop, int Choices, bool Stream, bool IncludeUsage, bool WithTimings)
{
    private const int MostChoices = 8;
    private const int MostAlternatives = 20;
    private const int MostCompletionAlternatives = 5; // of the older API, whose logprobs is a number
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
        "functions", "function_call", "suffix", "audio", "modalities", "prediction", "web_search_options", "verbosity", "json_schema", "lora",
        "mirostat", "dry_multiplier", "xtc_probability",
    ];

    // A completion has no messages, so it has nothing that only a template or a reply in turns can carry.
    private static readonly string[] OfChats = ["tools", "tool_choice", "reasoning_effort", "chat_template_kwargs", "truncation"];

    private const string GuidedDecoding = "guided_"; // a family of fields that vLLM knows

    public static GenerationParams ReadChat(JsonBody body, string model)
    {
        var isWanted = body.Flag("logprobs") ?? false;
        var alternatives = (int?)body.Whole("top_logprobs", 0, MostAlternatives) ?? 0;
        return isWanted || alternatives == 0
            ? Read(body, model, isWanted ? alternatives : null)
            : throw Refusal.BadParam("top_logprobs", "top_logprobs needs logprobs to be true.");
    }

    public static GenerationParams ReadCompletion(JsonBody body, string model)
    {
        RefuseUnless(body.Whole("top_logprobs", 0, MostAlternatives) is null or 0, "top_logprobs", "For a completion, logprobs is the number of alternatives.");
        foreach (var name in OfChats.Where(body.Has))
        {
            RefuseUnless(body.IsEmpty(name), name, $"{name} is for chats: send it to /v1/chat/completions.");
        }

        return Read(body, model, (int?)body.Whole("logprobs", 0, MostCompletionAlternatives));
    }

    /// <summary>The sampling of one of the choices: with a seed, each has its own.</summary>
    public SamplingOptions SamplingOf(int choice) => Sampling with { Choice = choice };

    private static GenerationParams Read(JsonBody body, string model, int? topLogprobs)
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

        var choices = (int)(body.Whole("n", 1, MostChoices) ?? 1);
        RefuseUnless((body.Whole("best_of", 1, int.MaxValue) ?? choices) == choices, "best_of", "best_of other than n is not supported.");
        RefuseUnless(body.Flag("echo") is not true, "echo", "echo is not supported.");

        var sampling = new SamplingOptions
        {
            Temperature = body.Number("temperature", 0, 2),
            TopP = body.Number("top_p", float.Epsilon, 1),
            TopK = (int?)body.Whole("top_k", 0, int.MaxValue),
            MinP = body.Number("min_p", 0, 1),
            TypicalP = body.Number("typical_p", float.Epsilon, 1),
            RepeatPenalty = ReadRepeatPenalty(body),
            RepeatLastN = (int?)body.Whole("repeat_last_n", 0, int.MaxValue),
            PresencePenalty = body.Number("presence_penalty", -2, 2),
            FrequencyPenalty = body.Number("frequency_penalty", -2, 2),
            LogitBias = ReadLogitBias(body),
            TopLogprobs = topLogprobs,
            MinTokens = (int)(body.Whole("min_tokens", 0, int.MaxValue) ?? 0),
            IgnoreEos = body.Flag("ignore_eos") ?? false,
            Seed = body.Whole("seed", long.MinValue, long.MaxValue),
        };
        // Both are read, so that a wrong one is refused also where the other one counts.
        var oldMost = body.Whole("max_tokens", 1, int.MaxValue);
        var most = body.Whole("max_completion_tokens", 1, int.MaxValue) ?? oldMost;
        var stream = body.Flag("stream") ?? false;
        var includeUsage = body.Object("stream_options")?.Flag("include_usage") ?? false;
        return new GenerationParams(model, sampling, (int?)most, ReadStop(body), choices, stream, includeUsage, body.Flag("timings") ?? false);
    }

    private static float? ReadRepeatPenalty(JsonBody body)
    {
        var (ours, theirs) = (body.Number("repeat_penalty", 0.01f, 10), body.Number("repetition_penalty", 0.01f, 10)); // llama.cpp's name, vLLM's name
        return ours is null || theirs is null || ours == theirs
            ? ours ?? theirs
            : throw Refusal.BadParam("repetition_penalty", "repetition_penalty and repeat_penalty are one setting and differ here.");
    }

    private static Dictionary<int, float>? ReadLogitBias(JsonBody body)
    {
        if (body.Object("logit_bias") is not { } given)
        {
            return null;
        }

        var bias = new Dictionary<int, float>();
        foreach (var name in given.Names)
        {
            if (!int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var token) || !bias.TryAdd(token, given.Number(name, -100, 100) ?? 0))
            {
                throw Refusal.BadParam(given.At(name), "The names in logit_bias are token ids, each once.");
            }
        }

        return bias.Count > 0 ? bias : null;
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
            "function_call" => body.IsText(name) && body.Text(name) is "none" or "auto",
            "mirostat" => body.Whole(name, 0, int.MaxValue) == 0,
            "dry_multiplier" or "xtc_probability" => body.Number(name, 0, float.MaxValue) == 0,
            "functions" or "modalities" => body.IsEmpty(name) || (name == "modalities" && body.Texts(name) is ["text"]),
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
