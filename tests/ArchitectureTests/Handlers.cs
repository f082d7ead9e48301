using System.Reflection;
using FluentValidation;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Wolverine;
using Xunit;

namespace LlmPlatform.ArchitectureTests;

/// <summary>Rules 9, 10 and the first half of 11: decisions are functions. Endpoints that stream are mapped by hand and not looked at here.</summary>
public sealed class Handlers
{
    private static readonly MethodInfo[] All = [.. BuiltHost.Chains.Select(c => c.Method.Method).Concat(BuiltHost.Handlers)];

    [Fact]
    public void Endpoint_and_handler_classes_are_static()
    {
        Assert.NotEmpty(BuiltHost.Handlers);
        Gaps.AreNone(All.Select(m => m.DeclaringType!).Where(t => !(t.IsAbstract && t.IsSealed)).Select(t => t.FullName!));
    }

    [Fact]
    public void Endpoints_and_handlers_take_neither_the_bus_nor_the_request_nor_the_container()
    {
        Type[] forbidden = [typeof(IMessageBus), typeof(IMessageContext), typeof(HttpContext), typeof(IServiceProvider)];
        Gaps.AreNone(All.SelectMany(m => m.GetParameters().Where(p => forbidden.Contains(p.ParameterType)).Select(p => $"{Show(m)} takes {p.ParameterType.Name}")));
    }

    [Fact]
    public void Endpoints_and_handlers_are_async_only_for_a_session_or_a_contract() =>
        Gaps.Are(All.Where(m => IsAsync(m) && !m.GetParameters().Any(IsReasonToWait)).Select(Show), KnownToWait);

    [Fact]
    public void Aggregates_are_made_of_events_and_state_alone()
    {
        var events = BuiltHost.StoredEvents.Select(e => e.Type).ToHashSet();
        var methods = Host.Modules.All.SelectMany(m => OurCode.Written(m.Assembly)).SelectMany(t => t.GetMethods(OurCode.Declared))
            .Where(m => m.Name is "Apply" or "Create" or "ShouldDelete" or "Evolve" && m.GetParameters().Any(p => events.Contains(Unwrapped(p.ParameterType))))
            .ToArray();

        Assert.NotEmpty(methods);
        Gaps.AreNone(methods.SelectMany(m => m.GetParameters()
            .Where(p => !events.Contains(Unwrapped(p.ParameterType)) && p.ParameterType != m.DeclaringType && p.ParameterType != m.ReturnType)
            .Select(p => $"{Show(m)} takes {p.ParameterType.Name}")));
    }

    [Fact]
    public void Every_body_has_a_validator_that_the_host_knows()
    {
        Assert.NotEmpty(BuiltHost.Bodies());
        Gaps.AreNone(BuiltHost.Bodies().Where(b => !IsRegistered(typeof(IValidator<>).MakeGenericType(b))).Select(b => b.FullName!));
    }

    // What a body says is whatever the sender likes. Wolverine takes the first parameter it does not know for the body of a POST, PATCH or DELETE.
    [Fact]
    public void No_endpoint_reads_the_caller_from_the_body() =>
        Gaps.AreNone(BuiltHost.Chains.Where(c => c.HasRequestType && c.RequestType == typeof(CurrentUser)).Select(c => BuiltHost.Show(c.Method)));

    private static readonly string[] KnownToWait =
    [
        "GetHubCardEndpoint.GetAsync", // the hub
        "GetJwksEndpoint.Get", // the key ring of the shared schema
        "ListQuotaBalancesEndpoint.Get", // the ledger, which is plain tables
        "RebuildBillsHandler.Handle", // the projection's own work
        "RebuildSearchHandler.Handle", // the same
        "SendMailHandler.Handle", // the mail server
    ];

    private static bool IsRegistered(Type service) => BuiltHost.Services.GetRequiredService<IServiceProviderIsService>().IsService(service);

    private static bool IsAsync(MethodInfo method) =>
        typeof(Task).IsAssignableFrom(method.ReturnType) || method.ReturnType.Name.StartsWith("ValueTask", StringComparison.Ordinal);

    private static bool IsReasonToWait(ParameterInfo parameter) =>
        typeof(IQuerySession).IsAssignableFrom(parameter.ParameterType)
        || (parameter.ParameterType.IsInterface && OurCode.Contracts.Contains(parameter.ParameterType.Assembly.GetName().Name));

    private static Type Unwrapped(Type type) => type is { IsGenericType: true, Name: "IEvent`1" } ? type.GetGenericArguments()[0] : type;

    private static string Show(MethodInfo method) => $"{method.DeclaringType!.Name}.{method.Name}";
}
