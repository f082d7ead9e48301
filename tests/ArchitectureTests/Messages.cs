using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace LlmPlatform.ArchitectureTests;

/// <summary>Rules 7, 8 and the second half of 11: what travels between modules, or stays in a stream for ever.</summary>
public sealed class Messages
{
    private static readonly Type[] All =
    [
        .. BuiltHost.Commands.Concat(BuiltHost.StoredEvents.Select(e => e.Type)).Concat(OurCode.Contracts.SelectMany(p => Assembly.Load(p).GetExportedTypes()))
            .Where(t => t is { IsInterface: false, IsEnum: false, IsAbstract: false } && !typeof(Exception).IsAssignableFrom(t))
            .Distinct(),
    ];

    [Fact]
    public void Commands_events_and_contracts_are_sealed_records()
    {
        Assert.NotEmpty(BuiltHost.Commands);
        Assert.NotEmpty(BuiltHost.StoredEvents);
        Gaps.AreNone(All.Where(t => !t.IsSealed || t.GetMethod("<Clone>$") is null).Select(t => t.FullName!));
    }

    [Fact]
    public void Nothing_changes_a_message_once_it_is_made() =>
        Gaps.AreNone(All.SelectMany(t => t.GetProperties()).Where(IsSettable).Select(p => $"{p.DeclaringType!.Name}.{p.Name}"));

    [Fact]
    public void Messages_hold_collections_that_can_only_be_read() =>
        Gaps.Are(
            All.SelectMany(t => t.GetProperties()).Where(p => IsWritableCollection(p.PropertyType)).Select(p => $"{p.DeclaringType!.Name}.{p.Name}"),
            "ApiKeyCreated.SecretHash", // bytes of a hash, which nobody writes to
            "ApiKeyRotated.SecretHash");

    [Fact]
    public void The_name_of_a_message_does_not_repeat_what_kind_it_is()
    {
        string[] suffixes = ["Command", "Event", "Dto", "Message", "Query"];
        Gaps.Are(
            All.Where(t => suffixes.Any(s => t.Name.EndsWith(s, StringComparison.Ordinal))).Select(t => t.Name),
            "ChatMessage", "EditMessage", "SendMessage"); // messages of conversations, not of the bus
    }

    [Fact]
    public void A_command_lives_in_the_file_that_has_its_name() =>
        Gaps.Are(BuiltHost.Commands.Where(t => !HasFile(t)).Select(t => t.Name), KnownGuests);

    [Fact]
    public void A_stored_event_lives_in_the_file_of_its_aggregate() =>
        Gaps.AreNone(BuiltHost.StoredEvents.Where(e => FileOf(e.Type) is not { } file || !Regex.IsMatch(OurCode.CodeOf(file), @"\b(Apply|Create|ShouldDelete)\(" + e.Type.Name + @"\b"))
            .Select(e => e.Type.Name));

    [Fact]
    public void Every_stored_event_has_an_alias_of_its_module_with_a_version() =>
        Gaps.AreNone(BuiltHost.StoredEvents
            .Where(e => !Regex.IsMatch(e.Alias, $@"^{e.Type.Assembly.GetName().Name!.ToLowerInvariant()}\.[a-z_]+\.v[0-9]+$"))
            .Select(e => $"{e.Type.Name} is stored as {e.Alias}"));

    [Fact]
    public void Every_stored_event_has_a_sample_that_can_still_be_read() =>
        Gaps.Are(BuiltHost.StoredEvents.Select(e => (e.Alias, Fault: SampleFault(e.Alias, e.Type))).Where(e => e.Fault is not null).Select(e => $"{e.Alias}: {e.Fault}"),
            []);

    [Fact]
    public void Every_command_has_a_test_class() =>
        Gaps.Are(BuiltHost.Commands.Where(c => !TestCode.Any(code => Regex.IsMatch(code, $@"\bclass {c.Name}Tests\b"))).Select(c => c.Name), KnownUntested);

    // Commands that live with the endpoint that sends them, or with their twin.
    private static readonly string[] KnownGuests = ["ReleaseModelFile", "StopInstall"];

    // Commands without a test class of their name; a test under another name does not count.
    private static readonly string[] KnownUntested =
    [
        "ChangeUser", "CompleteSetup", "CreateApiKey", "LocateInstall", "PrepareSetup", "RegisterUser", "ReleaseModelFile", "RenameMe",
        "RunInstall", "StopInstall", "TidyInstall",
    ];

    private static readonly JsonSerializerOptions Strict = new(JsonSerializerOptions.Web) { RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true };

    private static readonly string[] TestCode = [.. OurCode.Sources("tests", "ModuleTests").Select(OurCode.CodeOf)];

    private static bool HasFile(Type type) => OurCode.SourcesOf(type.Assembly.GetName().Name!).Any(f => Path.GetFileNameWithoutExtension(f) == type.Name);

    private static string? FileOf(Type type) =>
        OurCode.SourcesOf(type.Assembly.GetName().Name!).FirstOrDefault(f => Regex.IsMatch(OurCode.CodeOf(f), $@"\brecord {type.Name}\b"));

    private static bool IsSettable(PropertyInfo property) =>
        property.SetMethod is { IsPublic: true } setter && !setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));

    private static bool IsWritableCollection(Type type) =>
        type.IsArray || (type.IsGenericType && type.GetInterfaces().Append(type).Any(i =>
            i.IsGenericType && i.GetGenericTypeDefinition() == typeof(ICollection<>)) && type.Namespace != "System.Collections.Immutable");

    private static string? SampleFault(string alias, Type type)
    {
        var sample = Directory.EnumerateFiles(Path.Combine(OurCode.Root, "tests"), $"{alias}.json", SearchOption.AllDirectories).FirstOrDefault();
        if (sample is null)
        {
            return "no sample";
        }

        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(sample), type, Strict) is null ? "empty sample" : null;
        }
        catch (JsonException e)
        {
            return e.Message;
        }
    }
}
