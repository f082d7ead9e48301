using LlmPlatform.Explore.Catalogue;

namespace LlmPlatform.Search;

/// <summary>Models as a hub has them: few families with very many offspring, long tails of developers and downloads, the same words everywhere.</summary>
internal static class Catalogue
{
    private static readonly string[] Families =
    [
        "Llama-3.1", "Llama-3.2", "Llama-3.3", "Llama-2", "Qwen2.5", "Qwen3", "Qwen2.5-Coder", "Mistral-Nemo", "Mistral-Small", "Mixtral", "gemma-2", "gemma-3", "Phi-3.5-mini", "phi-4",
        "DeepSeek-R1-Distill-Qwen", "DeepSeek-Coder-V2", "SmolLM2", "TinyLlama", "Yi-1.5", "InternLM2.5", "granite-3.1", "OLMo-2", "Falcon3", "command-r", "StableLM", "Nemotron", "gpt-oss", "Solar", "Zephyr", "WizardLM",
    ];

    private static readonly string[] Sizes = ["0.5B", "1B", "1.5B", "3B", "4B", "7B", "8B", "12B", "13B", "14B", "24B", "32B", "70B", "72B"];
    private static readonly string[] Kinds = ["Instruct", "Chat", "Base", "Coder", "Math", "Uncensored", "abliterated", "Roleplay", "Reasoning", "it", "DPO", "Merge", "Vision", "Function-Calling", "Medical", "Translator"];
    private static readonly string[] Syllables = ["ka", "lo", "mi", "ra", "ten", "vor", "zu", "eph", "dra", "nim", "sol", "qua", "bel", "tor", "wyn", "ash", "ori", "lux", "gri", "fen"];
    private static readonly string[] Licences = ["apache-2.0", "mit", "llama3.1", "llama3.2", "gemma", "cc-by-nc-4.0", "other"];
    private static readonly string[] Tasks = ["chat", "code", "vision", "embedding", "translation", "reasoning", "tools"];
    private static readonly string[] Quantisations = ["Q2_K", "Q3_K_M", "IQ4_XS", "Q4_0", "Q4_K_S", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "F16"];

    public static IEnumerable<ModelRow> Rows(int count)
    {
        var random = new Random(1);
        string[] developers = [.. Enumerable.Range(0, 4000).Select(_ => Name(random, 2, 4))];
        for (var i = 0; i < count; i++)
        {
            var (family, size, kind) = (Skewed(random, Families), Sizes[random.Next(Sizes.Length)], Kinds[random.Next(Kinds.Length)]);
            var own = random.Next(3) == 0 ? $"-{Name(random, 2, 3)}" : "";
            var name = $"{family}-{size}-{kind}{own}-v{random.Next(1, 4)}.{random.Next(10)}-GGUF";
            var repository = $"{Skewed(random, developers)}/{name}-{i}";
            var parameters = (long)(double.Parse(size[..^1], System.Globalization.CultureInfo.InvariantCulture) * 1e9);
            yield return new ModelRow
            {
                Key = ModelRow.KeyOfHub(repository),
                Source = ModelSource.Hub,
                Name = name,
                Developer = repository.Split('/')[0],
                Hub = repository,
                Architecture = family.Split('-')[0].ToLowerInvariant(),
                Parameters = parameters,
                Licence = Skewed(random, Licences),
                ContextTokens = 1 << random.Next(11, 18),
                Tasks = [.. Enumerable.Range(0, random.Next(1, 3)).Select(_ => Skewed(random, Tasks)).Distinct()],
                Variants =
                [
                    .. Quantisations.Where(_ => random.Next(2) == 0).Select(q =>
                        new Variant($"{name}-{q}.gguf", q, (long)(parameters * Quantisation.BitsOf(q)!.Value / 8), true, null, 1)),
                ],
                Downloads = (long)Math.Exp(random.NextDouble() * 14),
                Likes = random.Next(1000),
                UpdatedAt = DateTimeOffset.UnixEpoch.AddMinutes(29_000_000 + random.Next(1_000_000)),
            };
        }
    }

    private static string Name(Random random, int least, int most) => string.Concat(Enumerable.Range(0, random.Next(least, most + 1)).Select(_ => Syllables[random.Next(Syllables.Length)]));

    private static string Skewed(Random random, string[] values) => values[(int)(values.Length * Math.Pow(random.NextDouble(), 2))];
}
