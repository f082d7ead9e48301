using System.Reflection;
using JasperFx.CodeGeneration.Frames;
using LlmPlatform.Host;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Wolverine.Http;

namespace LlmPlatform.ArchitectureTests;

/// <summary>The host as Program builds it, but never started: its routes, stores and messages can be read without a database.</summary>
internal static class BuiltHost
{
    private static readonly Lazy<WebApplication> Built = new(() =>
        Platform.BuildWithoutDatabase(["--Data:Path", Path.Combine(AppContext.BaseDirectory, "data"), "--Urls", "http://127.0.0.1:0"]));

    public static IServiceProvider Services => Built.Value.Services;

    public static IReadOnlyList<RouteEndpoint> Endpoints { get; } =
        [.. ((IEndpointRouteBuilder)Built.Value).DataSources.SelectMany(s => s.Endpoints).OfType<RouteEndpoint>()];

    public static IReadOnlyList<HttpChain> Chains { get; } = [.. Endpoints.Select(e => e.Metadata.GetMetadata<HttpChain>()).OfType<HttpChain>()];

    /// <summary>The Handle methods that Wolverine finds by their names.</summary>
    public static IReadOnlyList<MethodInfo> Handlers { get; } =
    [
        .. Modules.All.SelectMany(m => OurCode.Written(m.Assembly))
            .Where(t => t.IsPublic && t.Name.EndsWith("Handler", StringComparison.Ordinal))
            .SelectMany(t => t.GetMethods(OurCode.Declared))
            .Where(m => m is { IsPublic: true, Name: "Handle" or "HandleAsync" or "Consume" or "ConsumeAsync" }),
    ];

    /// <summary>What a module is asked to do: the bodies of its endpoints, and the messages of its own that it handles.</summary>
    public static IReadOnlyList<Type> Commands { get; } =
    [
        .. Bodies().Concat(Handlers.Select(h => h.GetParameters()[0].ParameterType))
            .Where(t => Modules.All.Any(m => m.Assembly == t.Assembly))
            .Distinct(),
    ];

    public static IReadOnlyList<(string Alias, Type Type)> StoredEvents { get; } =
        [.. Modules.All.SelectMany(m => StoreOf(m).Options.Events.AllKnownEventTypes()).Where(e => IsOurs(e.EventType)).Select(e => (e.EventTypeName, e.EventType))];

    /// <summary>The module that serves an endpoint; null for those of the host and of libraries.</summary>
    public static AppModule? ModuleOf(Endpoint endpoint)
    {
        var assembly = endpoint.Metadata.GetMetadata<HttpChain>() is { } chain
            ? chain.Method.HandlerType.Assembly
            : endpoint.Metadata.GetMetadata<MethodInfo>()?.DeclaringType?.Assembly;
        return Modules.All.FirstOrDefault(m => m.Assembly == assembly);
    }

    public static IDocumentStore StoreOf(AppModule module) => (IDocumentStore)Services.GetRequiredService(module.Store);

    /// <summary>What callers send, one type for each endpoint that reads a body.</summary>
    public static IEnumerable<Type> Bodies() => Chains.Where(c => c.HasRequestType && Modules.All.Any(m => m.Assembly == c.RequestType!.Assembly)).Select(c => c.RequestType!).Distinct();

    public static string Show(MethodCall call) => $"{call.HandlerType.Name}.{call.Method.Name}";

    public static string Show(RouteEndpoint endpoint) =>
        $"{string.Join(',', endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? [])} /{endpoint.RoutePattern.RawText?.TrimStart('/')}";

    private static bool IsOurs(Type type) => type.Namespace?.StartsWith("LlmPlatform", StringComparison.Ordinal) == true;
}
