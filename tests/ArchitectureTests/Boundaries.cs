using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;
using LlmPlatform.Host;
using LlmPlatform.SharedKernel;
using Xunit;

namespace LlmPlatform.ArchitectureTests;

/// <summary>Rules 1 to 3: who exists, who may know whom, and what may be shared.</summary>
public sealed class Boundaries
{
    [Fact]
    public void The_module_folders_are_the_modules_of_the_host_with_their_contracts_and_the_engine()
    {
        var modules = Modules.All.Select(OurCode.NameOf).ToArray();
        string[] allowed = [.. modules, .. modules.Select(m => $"{m}.Contracts"), OurCode.Engine];

        Gaps.AreNone(OurCode.ModuleProjects.Except(allowed).Select(p => $"folder {p} belongs to no module"));
        Gaps.AreNone(modules.Append(OurCode.Engine).Except(OurCode.ModuleProjects).Select(p => $"module {p} has no folder"));
        Gaps.AreNone(Modules.All.Where(m => !$"{m.Name[..1].ToUpperInvariant()}{m.Name[1..]}".Equals(OurCode.NameOf(m), StringComparison.Ordinal)).Select(m => $"module {m.Name} lives in {OurCode.NameOf(m)}"));
    }

    [Fact]
    public void The_solution_holds_every_module_project_and_no_other()
    {
        var solution = File.ReadAllText(Path.Combine(OurCode.Root, "LlmPlatform.sln"));
        var listed = Regex.Matches(solution, @"src[\\/]Modules[\\/][^""]*[\\/]([\w.]+)\.csproj").Select(m => m.Groups[1].Value).Order(StringComparer.Ordinal);

        Assert.Equal(OurCode.ModuleProjects, listed);
    }

    [Fact]
    public void A_project_file_names_only_the_projects_it_may_know() =>
        Gaps.AreNone(OurCode.Projects.Where(p => p != "Host").SelectMany(p => Named(p).Except(Allowed(p)).Select(other => $"{p} names {other}")));

    [Fact]
    public void An_assembly_uses_only_the_projects_it_may_know() =>
        Gaps.AreNone(OurCode.Projects.Where(p => p != "Host").SelectMany(p =>
            Referenced(p).Intersect(OurCode.Projects).Except(Allowed(p)).Select(other => $"{p} uses {other}")));

    [Fact]
    public void Contracts_know_nothing_but_the_base_class_library()
    {
        Gaps.AreNone(OurCode.Contracts.SelectMany(p =>
            Referenced(p).Where(r => !r.StartsWith("System.", StringComparison.Ordinal)).Select(r => $"{p} uses {r}")));
        Gaps.AreNone(OurCode.Contracts.Where(p => ProjectFile(p).Contains("Reference", StringComparison.Ordinal)).Select(p => $"{p} names a reference"));
    }

    [Fact]
    public void What_the_shared_kernel_shows_is_used_by_two_modules_or_by_the_host_and_one() =>
        Gaps.Are(
            typeof(AppModule).Assembly.GetExportedTypes().Where(t => Users(t).Count() < 2).Select(t => $"{t.Name}: {string.Join(", ", Users(t))}"),
            KnownHomeless);

    private static readonly string[] KnownHomeless =
    [
        "AddressGuard: Inference", // the guard behind GuardedHttp, which Explore asks the hub with
        "IdempotencyRecords: Host", // a table of the shared schema, which no module owns
        "IdempotentRequest: Host",
        "KeptAnswer: Host",
        "KnownRequest: Host",
        "Caller: Host", // the holder behind CurrentUser, which the modules take
        "SharedSchema: Host", // the kernel's own start, called once
        "SharedServices: Host", // the same
        "Scopes: Auth", // Inference and Chat are expected to ask for scopes too
        "SigningKey: Auth", // the key ring of the shared schema, which no module owns
        "SigningKeys: Auth",
        "SubjectDigest: Chat", // what SubjectVault gives beside sealed texts
    ];

    private static string[] Allowed(string project)
    {
        if (project is "SharedKernel" or OurCode.Engine || OurCode.Contracts.Contains(project))
        {
            return [];
        }

        return ["SharedKernel", .. OurCode.Contracts];
    }

    private static IEnumerable<string> Named(string project) =>
        Regex.Matches(ProjectFile(project), @"<ProjectReference Include=""[^""]*?([\w.]+)\.csproj""").Select(m => m.Groups[1].Value);

    private static string ProjectFile(string project) => File.ReadAllText(Path.Combine(OurCode.FolderOf(project), $"{project}.csproj"));

    private static IEnumerable<string> Referenced(string project) => Assembly.Load(project).GetReferencedAssemblies().Select(a => a.Name!);

    // Metadata sees uses that name no type, such as extension methods; the text sees constants, which the compiler copies.
    private static IEnumerable<string> Users(Type type)
    {
        var name = type.Name.Split('`')[0];
        return OurCode.Projects.Where(p => p != "SharedKernel").Where(p =>
            TypeReferences(p).Contains(type.FullName!) || OurCode.SourcesOf(p).Any(f => Regex.IsMatch(OurCode.CodeOf(f), $@"\b{name}\.")));
    }

    private static HashSet<string> TypeReferences(string project)
    {
        using var file = new PEReader(File.OpenRead(Assembly.Load(project).Location));
        var reader = file.GetMetadataReader();
        return [.. reader.TypeReferences.Select(reader.GetTypeReference).Select(t => $"{reader.GetString(t.Namespace)}.{reader.GetString(t.Name)}")];
    }
}
