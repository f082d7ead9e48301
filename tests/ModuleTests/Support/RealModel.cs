namespace LlmPlatform.ModuleTests.Support;

/// <summary>The small trained model that lies beside the repository; null where there is none.</summary>
public static class RealModel
{
    public const string Missing = "The trained model does not lie beside the repository.";

    public static string? Path { get; } = Find();

    private static string? Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(System.IO.Path.Combine(folder.FullName, "LlmPlatform.sln")))
        {
            folder = folder.Parent;
        }

        var path = folder is null ? null : System.IO.Path.GetFullPath("../shared/models/stories260K.gguf", folder.FullName);
        return File.Exists(path) ? path : null;
    }
}
