using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Wolverine;

namespace LlmPlatform.SharedKernel;

/// <summary>One module as the host sees it. Its name is also its database schema, its log category and its part of every route.</summary>
/// <param name="Name">Lower-case name, such as <c>chat</c>.</param>
/// <param name="Store">The marker interface of its Marten store.</param>
/// <param name="Register">Adds its services and its store.</param>
public sealed record AppModule(string Name, Type Store, Action<IHostApplicationBuilder> Register)
{
    /// <summary>Maps what Wolverine's endpoints cannot express: answers that stream, and other products' wire formats.</summary>
    public Action<IEndpointRouteBuilder>? MapRoads { get; init; }

    /// <summary>Looks at every request once it is known who asks, and before anybody decides or answers.</summary>
    public Action<IApplicationBuilder>? Guard { get; init; }

    /// <summary>Sets up queues of its own, where the defaults do not fit: order, parallelism, patience.</summary>
    public Action<WolverineOptions>? Messaging { get; init; }

    public string Schema => Name;

    public Assembly Assembly => Store.Assembly;
}
