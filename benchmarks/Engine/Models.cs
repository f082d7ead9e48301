using LlmPlatform.ModuleTests.Support;

namespace LlmPlatform.Benchmarks;

/// <summary>A model by its name on the platform. Without a shape it is the trained one, a file that is there.</summary>
internal sealed record BenchmarkModel(string Name, TinyShape? Shape)
{
    public static BenchmarkModel Trained { get; } = new("tiny", null);

    public static BenchmarkModel Medium { get; } = new("56m", TinyShape.Medium);

    public static BenchmarkModel Large { get; } = new("415m", new TinyShape(24, 896, 4864, 14, 2, 4096, 32_000, TensorType.Q4_0));
}

/// <summary>Writes the random models to a folder, each when it is first asked for.</summary>
internal sealed class Models(string folder, string trained)
{
    public string FileOf(BenchmarkModel model)
    {
        if (model.Shape is null)
        {
            return File.Exists(trained) ? trained : throw new FileNotFoundException($"Name the trained model with --model ({trained} is not there).");
        }

        var path = Path.Combine(folder, $"{model.Name}.gguf");
        if (!File.Exists(path))
        {
            using var stream = File.Create(path);
            TinyModel.Write(stream, model.Shape, seed: 1, TinyModel.ChatTemplate);
        }

        return path;
    }
}
