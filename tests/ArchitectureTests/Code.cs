using System.Collections;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace LlmPlatform.ArchitectureTests;

/// <summary>Rules 12 to 14: clocks, waiting and shared state.</summary>
public sealed class Code
{
    [Theory]
    [InlineData("P:System.DateTime.Now")]
    [InlineData("P:System.DateTime.UtcNow")]
    [InlineData("P:System.DateTimeOffset.Now")]
    [InlineData("P:System.DateTimeOffset.UtcNow")]
    [InlineData("M:System.Guid.NewGuid")]
    [InlineData("P:System.Threading.Tasks.Task`1.Result")]
    [InlineData("M:System.Threading.Tasks.Task.Wait")]
    [InlineData("M:System.Threading.Thread.Sleep(System.Int32)")]
    [InlineData("M:System.Console.WriteLine(System.String)")]
    [InlineData("M:System.Net.Http.HttpClient.#ctor")]
    public void What_is_banned_fails_the_build_and_the_message_names_what_to_use(string symbol) =>
        Assert.Contains(File.ReadLines(Path.Combine(OurCode.Root, "BannedSymbols.txt")), line => line.StartsWith($"{symbol};", StringComparison.Ordinal) && line.Length > symbol.Length + 5);

    [Fact]
    public void The_analyzer_reads_the_banned_symbols_in_every_project()
    {
        var props = File.ReadAllText(Path.Combine(OurCode.Root, "Directory.Build.props"));
        Assert.Matches(@"PackageReference Include=""Microsoft\.CodeAnalysis\.BannedApiAnalyzers""", props);
        Assert.Matches(@"AdditionalFiles Include=""\$\(RepositoryRoot\)BannedSymbols\.txt""", props);
        Assert.Contains("<TreatWarningsAsErrors>true</TreatWarningsAsErrors>", props, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_the_listed_files_lift_a_ban() =>
        Gaps.Are(OurCode.Sources("src").Where(f => File.ReadAllText(f).Contains("RS0030", StringComparison.Ordinal)).Select(OurCode.Short), KnownToLiftABan);

    [Fact]
    public void Nothing_is_async_void() =>
        Gaps.AreNone(OurCode.Assemblies.SelectMany(OurCode.WithClosures).SelectMany(t => t.GetMethods(OurCode.Declared))
            .Where(m => m.ReturnType == typeof(void) && m.IsDefined(typeof(AsyncStateMachineAttribute)))
            .Select(Show));

    [Fact]
    public void A_cancellation_comes_last_has_no_default_and_is_called_cancellation() =>
        Gaps.AreNone(OurMethods().SelectMany(m => m.GetParameters().Select(p => (Method: m, Parameter: p)))
            .Where(x => x.Parameter.ParameterType == typeof(CancellationToken))
            .Where(x => x.Parameter.Name != "cancellation" || x.Parameter.HasDefaultValue || x.Parameter.Position != x.Method.GetParameters().Length - 1)
            .Select(x => $"{Show(x.Method)}({x.Parameter.Name})"));

    [Fact]
    public void What_waits_can_be_cancelled() =>
        Gaps.Are(OurMethods().Where(m => IsAwaited(m.ReturnType) && !m.GetParameters().Any(IsCancellable)).Select(Show), KnownToWaitUncancelled);

    [Fact]
    public void Static_fields_are_constant_or_read_only() =>
        Gaps.AreNone(Statics().Where(f => !f.IsLiteral && !f.IsInitOnly && !f.IsDefined(typeof(ThreadStaticAttribute), false)).Select(Show)); // a thread shares nothing

    // A private array stands for a constant table, which C# cannot declare as one; a shown array could be written by anybody.
    [Fact]
    public void Static_fields_hold_nothing_that_can_change() =>
        Gaps.Are(Statics().Where(f => !f.IsLiteral && (IsMutable(f.FieldType) || (f.FieldType.IsArray && !f.IsPrivate))).Select(Show), KnownToBeMutable);

    // Files that have to do what is banned elsewhere; each says why where it does.
    private static readonly string[] KnownToLiftABan = ["src/Modules/Chat/Tools/ToolSessions.cs", "src/Modules/Inference/Workers/ModelSlot.cs"];

    // Ends of things, whose clean-up nobody may break off, and waits that somebody else's end bounds.
    private static readonly string[] KnownToWaitUncancelled =
    [
        "Auth.Credentials.Credentials.RememberAsync",
        "Auth.Credentials.Revocation.WatchAsync",
        "Chat.Tools.SessionEnding.EndAsync",
        "Chat.Replies.ReplyEvents.FlushAsync", // these four end with the request that they hold
        "Chat.Replies.ReplyEvents.WaitAsync",
        "Chat.Replies.ReplyFollower.FollowAsync",
        "Chat.Replies.ReplyFollower.FollowHereAsync",
        "Chat.Replies.RunningReplies.PatientlyAsync", // a reply ends by itself, or as it is told to
        "Chat.Replies.RunningReplies.RunAsync",
        "Chat.Replies.RunningReplies.StoreEndAsync",
        "Chat.Replies.RunningReplies.StoreRoundAsync",
        "Chat.Replies.RunningReplies.WaitForTurnAsync",
        "Chat.Replies.RunningReplies.WriteAsync",
        "Host.Database.ReadyAsync",
        "Host.EmbeddedPostgres.EmbeddedPostgres.EndsUnaskedAsync",
        "Host.EmbeddedPostgres.EmbeddedPostgres.RestartAsync",
        "Host.EmbeddedPostgres.EmbeddedPostgres.SuperviseAsync",
        "Host.EmbeddedPostgres.ServerLog.ReadAsync",
        "Host.EmbeddedPostgres.ServerProcess.WaitAsync",
        "Host.Web.CopyingStream.ToReaderAsync",
        "Inference.Engine.Generation.Worker.PrepareAsync",
        "Inference.Engine.Measure.CompareFormAsync",
        "Inference.Engine.Measure.RoundAsync",
        "Inference.Engine.Measure.RunAsync",
        "Inference.OpenAi.Choices.Number",
        "Inference.Engine.Generation.Worker.TryLoadedAsync",
        "Inference.Quotas.RunningRequests.CorrectAsync", // what was used is written down also while the host stops
        "Inference.Quotas.RunningRequests.CountWithoutHoldAsync",
        "Inference.Quotas.RunningRequests.ExpireAsync",
        "Inference.Quotas.RunningRequests.ReadPricesAsync",
        "Inference.Quotas.RunningRequests.RenewAsync",
        "Inference.Quotas.RunningRequests.SettleAsync",
        "Inference.Quotas.RunningRequests.TryAsync",
        "Inference.Workers.ISpareWorkers.EndOneAsync",
        "Inference.Workers.ModelSlot.CloseAsync",
        "Inference.Workers.ModelSlot.EndIdleAsync",
        "Inference.Workers.ModelSlot.WatchAsync",
        "Inference.Workers.SpareWorkers.EndOneAsync",
        "Inference.Workers.Worker.EndAsync",
        "Inference.Workers.Worker.PumpAsync",
        "Inference.Workers.Worker.RunAsync",
        "Inference.Workers.Worker.WatchAsync",
        "Inference.Workers.WorkerProcess.EndAsync",
    ];

    // Sets that are filled once and only asked afterwards; frozen sets would say so.
    private static readonly string[] KnownToBeMutable = ["Host.CommandLineVerbs.Verbs", "Inference.OpenAi.GenerationParams.Refused"];

    private static IEnumerable<MethodInfo> OurMethods() =>
        OurCode.Assemblies.SelectMany(OurCode.Written).Where(t => !typeof(Delegate).IsAssignableFrom(t)).SelectMany(t => t.GetMethods(OurCode.Declared))
            .Where(m => !m.IsSpecialName && !OurCode.IsGenerated(m) && !IsSignedByOthers(m));

    private static IEnumerable<FieldInfo> Statics() =>
        OurCode.Assemblies.SelectMany(OurCode.Written).SelectMany(t => t.GetFields(OurCode.Declared)).Where(f => f.IsStatic && !OurCode.IsGenerated(f));

    // An override, or a method of a framework's interface: its shape and its parameter names are not ours to choose.
    private static bool IsSignedByOthers(MethodInfo method)
    {
        if (method.GetBaseDefinition() != method)
        {
            return true;
        }

        var type = method.DeclaringType!;
        return !type.IsInterface && !method.IsStatic && type.GetInterfaces()
            .Where(i => !OurCode.Projects.Contains(i.Assembly.GetName().Name))
            .Any(i => type.GetInterfaceMap(i).TargetMethods.Contains(method));
    }

    private static bool IsAwaited(Type type) =>
        typeof(Task).IsAssignableFrom(type) || type.Name is "ValueTask" or "ValueTask`1" or "IAsyncEnumerable`1";

    // A request carries its own cancellation.
    private static bool IsCancellable(ParameterInfo parameter) =>
        parameter.ParameterType == typeof(CancellationToken) || parameter.ParameterType == typeof(HttpContext);

    private static bool IsMutable(Type type) =>
        type == typeof(StringBuilder) || type == typeof(SemaphoreSlim) || type == typeof(Lock)
        || type.Name.StartsWith("Concurrent", StringComparison.Ordinal) || type.Name.StartsWith("ConditionalWeakTable", StringComparison.Ordinal)
        || (typeof(IEnumerable).IsAssignableFrom(type) && !type.IsArray && type is { IsInterface: false, Namespace: "System.Collections.Generic" })
        || Regex.IsMatch(type.Name, "^I(List|Dictionary|Collection|Set)`");

    private static string Show(MethodInfo method) => $"{method.DeclaringType!.FullName!.Replace("LlmPlatform.", "", StringComparison.Ordinal)}.{method.Name}";

    private static string Show(FieldInfo field) => $"{field.DeclaringType!.FullName!.Replace("LlmPlatform.", "", StringComparison.Ordinal)}.{field.Name}";
}
