namespace LlmPlatform.ModuleTests.Support;

/// <summary>The small trained model that lies beside the repository; null where there is none.</summary>
public static class RealModel
{
    public const string Missing = "The trained model does not lie beside the repository.";

    public static string? Path { get; } = Find();

    /// <summary>The trained model, or one of random weights with its context size: for tests of everything but words.</summary>
    public static string PathOrStandIn => Path ?? StandIn.Value;

    private static readonly Lazy<string> StandIn = new(() =>
    {
        var folder = Directory.CreateTempSubdirectory("llmplatform-model-");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folder.Delete(recursive: true);
        var path = System.IO.Path.Combine(folder.FullName, "stand-in.gguf");
        using var stream = File.Create(path);
        TinyModel.Write(stream, TinyShape.Tiny with { Context = 2048 }, seed: 2);
        return path;
    });

    private static string? Find()
    {
        var path = System.IO.Path.GetFullPath("../shared/models/stories260K.gguf", NativeRuntimes.RepositoryRoot());
        return File.Exists(path) ? path : null;
    }
}
