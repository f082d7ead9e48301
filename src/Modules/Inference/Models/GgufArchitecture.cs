using System.Collections.Frozen;

namespace LlmPlatform.Inference.Models;

/// <summary>
/// The promises a header makes about the network. llama.cpp asserts several of them, and a failed assertion ends the process,
/// so they are checked here first.
/// </summary>
internal static class GgufArchitecture
{
    // LLAMA_MAX_LAYERS and LLAMA_MAX_EXPERTS of llama.cpp v0.5.0.
    private const uint MaxLayers = 512;
    private const uint MaxExperts = 1024;
    // Several times what any published model has; beyond it sizes computed in 32 bits could wrap.
    private const uint MaxEmbedding = 1 << 18;
    private const uint MaxHeads = 1 << 14;
    private const uint MaxContext = 1 << 28;

    // What llama.cpp v0.5.0 can load, less the image projectors ("clip"), which are no model on their own.
    private static readonly FrozenSet<string> Known = FrozenSet.Create(
        StringComparer.Ordinal,
        "afmoe", "apertus", "arcee", "arctic", "arwkv7", "baichuan", "bailingmoe", "bailingmoe2", "bailingmoe3", "bert", "bitnet",
        "bloom", "chameleon", "chatglm", "codeshell", "cogvlm", "cohere2", "cohere2moe", "command-r", "dbrx", "deci", "deepseek",
        "deepseek2", "deepseek2-ocr", "deepseek32", "deepseek4", "dflash", "dots1", "dots3note", "dream", "eagle3", "ernie4_5",
        "ernie4_5-moe", "eurobert", "exaone", "exaone-moe", "exaone4", "falcon", "falcon-h1", "gemma", "gemma-embedding", "gemma2",
        "gemma3", "gemma3n", "gemma4", "gemma4-assistant", "glm-dsa", "glm4", "glm4moe", "gpt-oss", "gpt2", "gptj", "gptneox", "granite",
        "granite_swa", "granitehybrid", "granitemoe", "graniteswitch", "grok", "grovemoe", "hrm_text", "hunyuan-dense", "hunyuan-moe",
        "hunyuan_vl", "hy_v3", "hy_v4", "internlm2", "jais", "jais2", "jamba", "jina-bert-v2", "jina-bert-v3", "kimi-k3", "kimi-linear",
        "laguna", "lfm2", "lfm2moe", "llada", "llada-moe", "llama", "llama-embed", "llama4", "maincoder", "mamba", "mamba2", "maple",
        "mellum", "mimo2", "minicpm", "minicpm3", "minimax-01", "minimax-m2", "minimax-m3", "mistral3", "mistral4", "modern-bert", "mpt",
        "muse-glimmer", "nanbeige", "nemotron", "nemotron_h", "nemotron_h_moe", "neo-bert", "nomic-bert", "nomic-bert-moe", "olmo",
        "olmo2", "olmoe", "openelm", "orion", "paddleocr", "pangu-embedded", "phi2", "phi3", "phimoe", "plamo", "plamo2", "plamo3", "plm",
        "pockettts", "qwen", "qwen2", "qwen2moe", "qwen2vl", "qwen3", "qwen35", "qwen35moe", "qwen3moe", "qwen3next", "qwen3tts",
        "qwen3vl", "qwen3vlmoe", "qwen4exp", "refact", "rnd1", "rwkv6", "rwkv6qwen2", "rwkv7", "seed_oss", "smallthinker", "smollm3",
        "spark2_5", "stablelm", "starcoder", "starcoder2", "step35", "t5", "t5encoder", "talkie", "wavtokenizer-dec", "xverse");

    private static readonly string[] Epsilons = ["layer_norm_epsilon", "layer_norm_rms_epsilon", "group_norm_epsilon"];

    private static readonly FrozenSet<string> RopeScalings = FrozenSet.Create(StringComparer.Ordinal, "none", "linear", "yarn", "longrope");

    public static string Check(GgufMetadata metadata)
    {
        if (metadata.GetString("general.type") is { } kind and ("adapter" or "mmproj" or "imatrix"))
        {
            throw new GgufException(GgufCodes.Kind, $"The file is of kind '{kind}', which adds to a model but is none.");
        }

        // llama.cpp reads the other parts from paths next to this one, which nobody has checked.
        if (SplitCount(metadata) > 1)
        {
            throw new GgufException(GgufCodes.Split, "The file is one part of a split model; merge the parts into one file first.");
        }

        var name = metadata.GetString("general.architecture");
        if (name is null || !Known.Contains(name))
        {
            throw new GgufException(GgufCodes.Architecture, name is null
                ? "The file does not say which architecture its model has ('general.architecture')."
                : $"The architecture '{Shorten(name)}' is not one that this version can run.");
        }

        CheckSizes(metadata, name);
        CheckHeads(metadata, name);
        CheckExperts(metadata, name);
        return name;
    }

    private static void CheckSizes(GgufMetadata metadata, string name)
    {
        var layers = Required(metadata, $"{name}.block_count", MaxLayers);
        Required(metadata, $"{name}.embedding_length", MaxEmbedding);
        Required(metadata, $"{name}.context_length", MaxContext);
        if (metadata.GetUInt32($"{name}.nextn_predict_layers") > layers)
        {
            throw Wrong($"'{name}.nextn_predict_layers' is larger than the number of layers, {layers}.");
        }

        foreach (var kind in Epsilons)
        {
            if (metadata.GetSingle($"{name}.attention.{kind}") is { } epsilon && !(epsilon >= 0 && float.IsFinite(epsilon)))
            {
                throw Wrong($"'{name}.attention.{kind}' is {epsilon}; it must be a small positive number.");
            }
        }

        if (metadata.GetString($"{name}.rope.scaling.type") is { } scaling && !RopeScalings.Contains(scaling))
        {
            throw Wrong($"The rope scaling '{Shorten(scaling)}' is unknown.");
        }
    }

    private static void CheckHeads(GgufMetadata metadata, string name)
    {
        var layers = metadata.GetUInt32($"{name}.block_count")!.Value;
        var heads = metadata.GetPerLayer($"{name}.attention.head_count", layers);
        var kvHeads = metadata.GetPerLayer($"{name}.attention.head_count_kv", layers);
        if (heads.Concat(kvHeads).Any(count => count is < 0 or > MaxHeads))
        {
            throw Wrong($"A layer cannot have a negative number of heads, or more than {MaxHeads}.");
        }

        // Layers without attention (recurrent ones) have no heads of either sort.
        for (var i = 0; i < Math.Max(heads.Count, kvHeads.Count); i++)
        {
            var (queries, keys) = (At(heads, i), At(kvHeads, i));
            if (keys > 0 && queries % keys != 0)
            {
                throw Wrong($"{queries} attention heads cannot share {keys} key-value heads evenly.");
            }
        }

        var embedding = metadata.GetUInt32($"{name}.embedding_length")!.Value;
        if (heads is [> 0 and var all] && embedding % all != 0 && metadata.GetUInt32($"{name}.attention.key_length") is null)
        {
            throw Wrong($"An embedding of {embedding} cannot be divided among {all} heads.");
        }
    }

    private static void CheckExperts(GgufMetadata metadata, string name)
    {
        var experts = metadata.GetUInt32($"{name}.expert_count") ?? 0;
        var used = metadata.GetPerLayer($"{name}.expert_used_count", metadata.GetUInt32($"{name}.block_count")!.Value).DefaultIfEmpty().Max();
        var groups = metadata.GetUInt32($"{name}.expert_group_count") ?? 0;
        var groupsUsed = metadata.GetUInt32($"{name}.expert_group_used_count") ?? 0;

        // These two write one expert into files of their dense models, and llama.cpp forgives them.
        if (experts <= 1 && name is "hunyuan-dense" or "hunyuan_vl")
        {
            return;
        }

        if (experts > MaxExperts)
        {
            throw Wrong($"The model claims {experts} experts; at most {MaxExperts} are possible.");
        }

        if (used > experts || used < (experts > 0 ? 1 : 0))
        {
            throw Wrong($"A model with {experts} experts cannot use {used} of them.");
        }

        if (experts == 0 ? groups != 0 : groups >= experts)
        {
            throw Wrong($"{experts} experts cannot form {groups} groups.");
        }

        if (groups > 1 && (experts % groups != 0 || groupsUsed == 0 || groupsUsed >= groups))
        {
            throw Wrong($"{experts} experts in {groups} groups, of which {groupsUsed} are used, do not add up.");
        }
    }

    private static long At(IReadOnlyList<long> perLayer, int layer) => perLayer.Count switch
    {
        0 => 0,
        1 => perLayer[0],
        _ => perLayer[layer],
    };

    private static uint Required(GgufMetadata metadata, string key, uint limit) => metadata.GetUInt32(key) switch
    {
        null => throw Wrong($"The file does not say '{key}'."),
        0 => throw Wrong($"'{key}' is 0."),
        var value when value > limit => throw Wrong($"'{key}' is {value}; at most {limit} is possible."),
        var value => value.Value,
    };

    private static int SplitCount(GgufMetadata metadata) => metadata.Values.GetValueOrDefault("split.count") switch
    {
        null => 0,
        ushort parts => parts,
        _ => throw new GgufException(GgufCodes.Type, "'split.count' must be of type UInt16."),
    };

    private static string Shorten(string text) => text.Length <= 64 ? text : text[..64] + "…";

    private static GgufException Wrong(string message) => new(GgufCodes.Shape, message);
}
