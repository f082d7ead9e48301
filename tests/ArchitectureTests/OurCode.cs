using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.ArchitectureTests;

/// <summary>The projects under test: as source files, and as the assemblies built from them.</summary>
internal static class OurCode
{
    public const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    public const string Engine = "Inference.Engine";

    public static string Root { get; } = FindRoot();

    /// <summary>Names of the projects under src/Modules.</summary>
    public static IReadOnlyList<string> ModuleProjects { get; } =
        [.. Directory.GetDirectories(Path.Combine(Root, "src", "Modules")).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    public static IReadOnlyList<string> Contracts { get; } = [.. ModuleProjects.Where(p => p.EndsWith(".Contracts", StringComparison.Ordinal))];

    /// <summary>Every project that the product is made of.</summary>
    public static IReadOnlyList<string> Projects { get; } = ["Host", "SharedKernel", .. ModuleProjects];

    public static IEnumerable<Assembly> Assemblies => Projects.Select(Assembly.Load);

    public static string NameOf(AppModule module) => module.Assembly.GetName().Name!;

    public static string FolderOf(string project) =>
        ModuleProjects.Contains(project) ? Path.Combine(Root, "src", "Modules", project) : Path.Combine(Root, "src", project);

    public static IEnumerable<string> SourcesOf(string project) => Sources(FolderOf(project));

    public static IEnumerable<string> Sources(params string[] parts) =>
        Directory.EnumerateFiles(Path.Combine([Root, .. parts]), "*.cs", SearchOption.AllDirectories);

    /// <summary>Source text without its comments: what they mention is no use of it.</summary>
    public static string CodeOf(string file) => Regex.Replace(File.ReadAllText(file), @"(?<=^|\s)//.*$", "", RegexOptions.Multiline);

    public static string Short(string file) => Path.GetRelativePath(Root, file).Replace('\\', '/');

    /// <summary>The types that somebody wrote: neither the compiler nor protobuf.</summary>
    public static IEnumerable<Type> Written(Assembly assembly) => assembly.GetTypes().Where(IsWritten);

    /// <summary>Also the closures and state machines of those types, where lambdas end up.</summary>
    public static IEnumerable<Type> WithClosures(Assembly assembly) => assembly.GetTypes().Where(t => IsWritten(Outermost(t)));

    public static bool IsGenerated(MemberInfo member) => member.IsDefined(typeof(CompilerGeneratedAttribute), false) || member.Name.Contains('<');

    private static bool IsWritten(Type type) =>
        type.Namespace?.StartsWith("LlmPlatform", StringComparison.Ordinal) == true
        && !type.FullName!.Contains('<')
        && !type.IsDefined(typeof(CompilerGeneratedAttribute), false)
        && !type.IsDefined(typeof(System.CodeDom.Compiler.GeneratedCodeAttribute), false)
        && !IsProtobuf(Outermost(type));

    private static bool IsProtobuf(Type type) =>
        type.GetInterfaces().Any(i => i.Namespace == "Google.Protobuf")
        || type.GetProperty("Descriptor", Declared)?.PropertyType.Namespace == "Google.Protobuf.Reflection"
        || type.GetFields(Declared).Any(f => f.FieldType.Namespace == "Grpc.Core" && f.Name.StartsWith("__", StringComparison.Ordinal));

    private static Type Outermost(Type type) => type.DeclaringType is { } outer ? Outermost(outer) : type;

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "LlmPlatform.sln")))
        {
            folder = folder.Parent ?? throw new DirectoryNotFoundException("LlmPlatform.sln is in no folder above the tests.");
        }

        return folder.FullName;
    }
}
