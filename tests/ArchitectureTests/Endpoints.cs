using System.Reflection;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Xunit;

namespace LlmPlatform.ArchitectureTests;

/// <summary>Rules 5 and 6: who may come in, and by which roads.</summary>
public sealed class Endpoints
{
    // Whoever adds a line here opens a door to everybody who can reach the port.
    private static readonly string[] Anonymous =
    [
        "GET /.well-known/jwks.json", // others check our tokens with it
        "POST /api/v1/auth/token",
        "POST /api/v1/auth/token/refresh", // the refresh token is the proof
        "POST /api/v1/auth/setup", // its one-time link is the proof
        "GET /setup", // the form for it
        "POST /api/v1/auth/session", // as /token, for browsers
        "GET /sign-in", // the form for it
        "GET /api/v1/auth/oidc/sign-in", // leads to the provider
        "GET /sign-in/link", // the form of one-time links
        "POST /api/v1/auth/invitations/accept", // these four: a one-time link is the proof
        "POST /api/v1/auth/password-reset/complete",
        "POST /api/v1/auth/email/confirm",
        "POST /api/v1/auth/sign-up/confirm",
        "POST /api/v1/auth/password-reset", // always the same answer
        "POST /api/v1/auth/sign-up", // closed unless an operator opens it; always the same answer
        "GET /health/live",
        "GET /health/ready",
    ];

    // Other products' wire formats, which their clients expect at the root; the fixed names of the design.
    private static readonly string[] WireRoads =
    [
        "/v1/", "/api/chat", "/api/generate", "/api/tags", "/api/show", "/api/pull", "/api/delete", "/api/copy", "/api/create", "/api/embed",
        "/api/embeddings", "/api/ps", "/api/version", "/api/blobs/",
    ];

    private static readonly string[] PageRoads = ["/chat", "/explore", "/admin", "/profile", "/setup", "/sign-in"];

    [Fact]
    public void Every_route_says_who_may_call_it() =>
        Gaps.AreNone(BuiltHost.Endpoints.Where(e => e.Metadata.GetMetadata<IAuthorizeData>() is null && e.Metadata.GetMetadata<IAllowAnonymous>() is null)
            .Select(BuiltHost.Show));

    [Fact]
    public void Only_the_listed_routes_are_open_to_everybody() =>
        Gaps.Are(
            BuiltHost.Endpoints.Where(e => e.Metadata.GetMetadata<IAllowAnonymous>() is not null).Select(BuiltHost.Show)
                .Where(r => !r.Contains(" /scalar", StringComparison.Ordinal)), // a static page; the document it shows is for administrators
            Anonymous);

    [Fact]
    public void Every_page_says_who_may_see_it() =>
        Gaps.AreNone(Pages().Where(p => p.GetCustomAttributes().All(a => a is not (IAuthorizeData or IAllowAnonymous))).Select(p => p.FullName!));

    [Fact]
    public void Every_page_is_on_a_road_for_pages() =>
        Gaps.AreNone(Pages().SelectMany(p => p.GetCustomAttributes<RouteAttribute>())
            .Where(r => r.Template != "/" && !PageRoads.Any(road => r.Template == road || r.Template.StartsWith($"{road}/", StringComparison.Ordinal)))
            .Select(r => r.Template));

    [Fact]
    public void Every_route_of_a_module_is_under_its_name_or_on_a_wire_road()
    {
        Assert.NotEmpty(OfModules());
        Gaps.Are(
            OfModules().Where(e => !IsOnItsRoad(e)).Select(BuiltHost.Show),
            "GET /.well-known/jwks.json", // a fixed name: RFC 8615 says where it is looked for
            "GET /setup", // a page
            "GET /sign-in", "GET /sign-in/link"); // others
    }

    [Fact]
    public void Every_route_of_a_module_has_a_summary_a_tag_and_declared_answers() =>
        Gaps.AreNone(OfModules().SelectMany(e => Missing(e).Select(what => $"{BuiltHost.Show(e)} has no {what}")));

    private static IEnumerable<RouteEndpoint> OfModules() => BuiltHost.Endpoints.Where(e => BuiltHost.ModuleOf(e) is not null);

    private static IEnumerable<Type> Pages() => OurCode.Assemblies.SelectMany(a => a.GetTypes()).Where(t => t.IsDefined(typeof(RouteAttribute)) && typeof(IComponent).IsAssignableFrom(t));

    private static bool IsOnItsRoad(RouteEndpoint endpoint)
    {
        var route = $"/{endpoint.RoutePattern.RawText!.TrimStart('/')}";
        return route.StartsWith($"/api/v1/{BuiltHost.ModuleOf(endpoint)!.Name}/", StringComparison.Ordinal)
            || WireRoads.Any(road => road.EndsWith('/') ? route.StartsWith(road, StringComparison.Ordinal) : route == road);
    }

    private static IEnumerable<string> Missing(RouteEndpoint endpoint)
    {
        if (string.IsNullOrWhiteSpace(endpoint.Metadata.GetMetadata<IEndpointSummaryMetadata>()?.Summary))
        {
            yield return "summary";
        }

        if (endpoint.Metadata.GetMetadata<ITagsMetadata>() is not { Tags.Count: > 0 })
        {
            yield return "tag";
        }

        if (endpoint.Metadata.GetMetadata<IProducesResponseTypeMetadata>() is null)
        {
            yield return "answer";
        }
    }
}
