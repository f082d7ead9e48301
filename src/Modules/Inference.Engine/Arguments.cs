using System.Globalization;
using LlmPlatform.Inference.Engine.Generation;

namespace LlmPlatform.Inference.Engine;

internal sealed class UsageException(string message) : Exception(message);

/// <summary>The command line: a verb, then pairs of --name value.</summary>
internal sealed class Arguments
{
    internal const string Usage =
        "usage: Inference.Engine serve --native DIR --socket PATH --model FILE [--context N] [--threads N] [--slots N]\n"
        + "                              [--kv-type f16|q8_0|q4_0] [--memory BYTES]\n"
        + "       Inference.Engine probe --native DIR [--model FILE]\n"
        + "       Inference.Engine measure --native DIR --model FILE [as serve, but no socket]\n"
        + "       Inference.Engine render --template FILE --chat FILE [--bos TEXT] [--eos TEXT]";

    private static readonly string[] Names = ["template", "chat", "bos", "eos", "native", "socket", "model", "context", "threads", "slots", "kv-type", "memory"];
    // A sequence id of llama.cpp is below 256.
    private const int MostSlots = 64;
    private const int MostThreads = 512;

    private readonly Dictionary<string, string> values = [];

    private Arguments(string verb) => Verb = verb;

    internal string Verb { get; }

    internal string Native => Required("native");

    internal string Socket => Required("socket");

    internal string Template => Required("template");

    internal string Chat => Required("chat");

    internal string? Bos => values.GetValueOrDefault("bos");

    internal string? Eos => values.GetValueOrDefault("eos");

    internal string? ModelFile => values.GetValueOrDefault("model");

    internal ModelOptions Model => new(
        Required("model"), Number("context", int.MaxValue), Number("threads", MostThreads), Number("slots", MostSlots))
    {
        KvCacheType = KvCacheType(),
        KvBytes = Bytes("memory"),
    };

    internal static Arguments Parse(string[] args)
    {
        if (args is not ["serve" or "probe" or "measure" or "render", ..] || args.Length % 2 == 0)
        {
            throw new UsageException(Usage);
        }

        var parsed = new Arguments(args[0]);
        for (var index = 1; index < args.Length; index += 2)
        {
            var name = args[index].StartsWith("--", StringComparison.Ordinal) ? args[index][2..] : "";
            if (!Names.Contains(name) || !parsed.values.TryAdd(name, args[index + 1]))
            {
                throw new UsageException($"{args[index]} is unknown or given twice.\n{Usage}");
            }
        }

        return parsed;
    }

    private string Required(string name) =>
        values.TryGetValue(name, out var value) ? value : throw new UsageException($"--{name} is missing.\n{Usage}");

    private KvCacheType KvCacheType() => values.GetValueOrDefault("kv-type") switch
    {
        null or "f16" => Generation.KvCacheType.F16,
        "q8_0" => Generation.KvCacheType.Q8,
        "q4_0" => Generation.KvCacheType.Q4,
        _ => throw new UsageException($"--kv-type must be f16, q8_0 or q4_0.\n{Usage}"),
    };

    private long? Bytes(string name) => !values.TryGetValue(name, out var text) ? null
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) && bytes >= 1 ? bytes
        : throw new UsageException($"--{name} must be a number of bytes.\n{Usage}");

    private int? Number(string name, int most)
    {
        if (!values.TryGetValue(name, out var text))
        {
            return null;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= most
            ? number
            : throw new UsageException($"--{name} must be a whole number from 1 to {most}.");
    }
}
