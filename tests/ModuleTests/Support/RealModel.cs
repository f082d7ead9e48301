namespace LlmPlatform.ModuleTests.Support;

/// <summary>A trained model for the tests that need its words. It is not part of the repository; a test without it is skipped.</summary>
internal static class RealModel
{
    internal const string Missing = "The model shared/models/stories260K.gguf is not beside the repository.";

    /// <summary>Looked for in a shared folder beside the repository or above it.</summary>
    internal static string? Path { get; } = Find();

    private static string? Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var file = System.IO.Path.Combine(folder.FullName, "shared", "models", "stories260K.gguf");
            if (File.Exists(file))
            {
                return file;
            }
        }

        return null;
    }
}
