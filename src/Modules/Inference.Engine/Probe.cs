using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using LlmPlatform.Inference.Engine.Generation;
using LlmPlatform.Inference.Engine.Llama;

namespace LlmPlatform.Inference.Engine;

/// <summary>
/// Tries the native library, and a model file that nobody has loaded yet, in a process that may be lost: what trips an assertion of ggml
/// ends it, and the host takes that as the answer.
/// </summary>
internal static class Probe
{
    private const int ContextTokens = 256;

    internal static bool Library(LlamaLibrary library)
    {
        Print(new LibraryReport(true, library.Version, LlamaLibrary.Devices()), ProbeJson.Default.LibraryReport);
        return true;
    }

    internal static bool Model(LlamaLibrary library, string file)
    {
        try
        {
            // The vocabulary alone first: it is where most malformed files fail, and it costs no memory.
            LlamaModel.Load(library, file, vocabularyOnly: true).Dispose();
            var loaded = LoadedModel.Load(library, new ModelOptions(file, ContextTokens, Threads: 1, Slots: 1), progress: null);
            var batch = new TokenBatch(1);
            batch.Add(loaded.Model.Vocabulary.BeginOfText ?? 0, position: 0, sequence: 0, output: true);
            if (loaded.FirstContext.Decode(batch) != DecodeResult.Done)
            {
                throw new ModelLoadException("model.load_failed", "The model's first step failed.");
            }

            Print(Describe(library, loaded), ProbeJson.Default.ModelReport);
            return true;
        }
        catch (ModelLoadException problem)
        {
            Failed(problem.Code, problem.Message);
            return false;
        }
    }

    internal static void Failed(string code, string message) => Print(new FailureReport(false, code, message), ProbeJson.Default.FailureReport);

    private static ModelReport Describe(LlamaLibrary library, LoadedModel loaded) => new(
        true,
        library.Version,
        loaded.Model.Architecture,
        loaded.Model.Description,
        loaded.Model.Parameters,
        loaded.Model.TrainedContextTokens,
        loaded.Model.Vocabulary.Size,
        loaded.Model.ChatTemplate is not null,
        loaded.Model.ChatTemplate,
        loaded.Generates);

    private static void Print<T>(T report, JsonTypeInfo<T> type) =>
        StandardOutput.WriteLine(JsonSerializer.Serialize(report, type));
}

internal sealed record LibraryReport(bool Ok, string LlamaVersion, IReadOnlyList<LlamaDevice> Devices);

internal sealed record ModelReport(
    bool Ok,
    string LlamaVersion,
    string Architecture,
    string Description,
    ulong Parameters,
    int TrainedContextTokens,
    int VocabularyTokens,
    bool HasChatTemplate,
    string? ChatTemplate,
    bool GeneratesText);

internal sealed record FailureReport(bool Ok, string Code, string Message);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(LibraryReport))]
[JsonSerializable(typeof(ModelReport))]
[JsonSerializable(typeof(FailureReport))]
internal sealed partial class ProbeJson : JsonSerializerContext;

/// <summary>stdout is for the parent process: one line, and nothing else ever.</summary>
internal static class StandardOutput
{
    internal static void WriteLine(string line)
    {
        using var output = Console.OpenStandardOutput();
        output.Write(Encoding.UTF8.GetBytes(line + "\n"));
    }
}
