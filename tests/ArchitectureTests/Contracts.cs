using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Xunit;

namespace LlmPlatform.ArchitectureTests;

/// <summary>Rule 15: what others build on is documented, and what only C can say stays in one room.</summary>
public sealed class Contracts
{
    private const string Room = "LlmPlatform.Inference.Engine.Llama";

    private static readonly Assembly Engine = Assembly.Load(OurCode.Engine);

    [Fact]
    public void A_contract_without_documentation_fails_the_build()
    {
        var props = XDocument.Load(Path.Combine(OurCode.Root, "Directory.Build.props"));
        var group = Assert.Single(props.Descendants("PropertyGroup"), g => g.Attribute("Condition")?.Value.Contains("EndsWith('.Contracts')", StringComparison.Ordinal) == true);

        Assert.Contains("Replace('CS1591;', '')", group.Element("NoWarn")!.Value, StringComparison.Ordinal);
        Gaps.AreNone(OurCode.Contracts.SelectMany(OurCode.SourcesOf).Where(f => File.ReadAllText(f).Contains("#pragma", StringComparison.Ordinal)).Select(OurCode.Short));
    }

    [Fact]
    public void Every_contract_has_a_summary_that_ends_in_a_full_stop()
    {
        var types = OurCode.Contracts.SelectMany(p => Assembly.Load(p).GetExportedTypes()).ToArray();

        Assert.NotEmpty(types);
        Gaps.AreNone(types.Where(t => !SummaryOf(t).EndsWith('.')).Select(t => t.FullName!));
    }

    [Fact]
    public void Native_functions_are_imported_by_the_generator_in_the_room_for_llama_alone()
    {
        var room = Path.Combine(OurCode.FolderOf(OurCode.Engine), "Llama") + Path.DirectorySeparatorChar;
        var importing = OurCode.Sources("src").Where(f => Regex.IsMatch(OurCode.CodeOf(f), @"\[(LibraryImport|DllImport)\b")).ToArray();

        Assert.NotEmpty(importing);
        Gaps.AreNone(importing.Where(f => !f.StartsWith(room, StringComparison.Ordinal)).Select(OurCode.Short));
        Gaps.AreNone(importing.Where(f => OurCode.CodeOf(f).Contains("[DllImport", StringComparison.Ordinal)).Select(OurCode.Short));
        Gaps.AreNone(OurCode.Assemblies.SelectMany(a => a.GetTypes()).Where(t => t.Namespace != Room)
            .SelectMany(t => t.GetMethods(OurCode.Declared)).Where(m => m.Attributes.HasFlag(MethodAttributes.PinvokeImpl))
            .Select(m => $"{m.DeclaringType!.FullName}.{m.Name}"));
    }

    [Fact]
    public void No_pointer_leaves_the_room_for_llama()
    {
        var outside = Engine.GetTypes().Where(t => t.Namespace != Room).ToArray();

        Gaps.AreNone(
            outside.SelectMany(t => t.GetFields(OurCode.Declared)).Where(f => IsPointer(f.FieldType)).Select(f => $"{f.DeclaringType!.FullName}.{f.Name}")
                .Concat(outside.Where(t => !typeof(Delegate).IsAssignableFrom(t)).SelectMany(t => t.GetMethods(OurCode.Declared))
                    .Where(m => m.GetParameters().Select(p => p.ParameterType).Append(m.ReturnType).Any(IsPointer))
                    .Select(m => $"{m.DeclaringType!.FullName}.{m.Name}")));
    }

    private static bool IsPointer(Type type) => type.IsPointer || type.IsFunctionPointer || type == typeof(nint) || type == typeof(nuint);

    private static string SummaryOf(Type type)
    {
        var file = Path.ChangeExtension(type.Assembly.Location, ".xml");
        return XDocument.Load(file).Descendants("member").FirstOrDefault(m => m.Attribute("name")?.Value == $"T:{type.FullName!.Replace('+', '.')}")?.Element("summary")?.Value.Trim() ?? "";
    }
}
