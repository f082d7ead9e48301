using System.Security.Claims;

namespace LlmPlatform.SharedKernel;

/// <summary>Who asks. Handlers take it as a parameter at both doors, HTTP and bus; messages that run later carry ids instead.</summary>
public sealed record CurrentUser(Guid Id, string Role)
{
    public bool IsAdministrator => Role == Roles.Administrator;

    /// <summary>Reads the principal that the credential handler made; throws where nobody signed in, because deny-by-default should have stopped the request.</summary>
    public static CurrentUser From(ClaimsPrincipal principal) =>
        Guid.TryParse(principal.FindFirstValue(PlatformClaims.Subject), out var id)
            ? new CurrentUser(id, principal.FindFirstValue(PlatformClaims.Role) ?? Roles.Pending)
            : throw Refusal.Unauthenticated();
}

/// <summary>Claim names of our own principals, as in the access token.</summary>
public static class PlatformClaims
{
    public const string Subject = "sub";
    public const string Role = "role";

    /// <summary>The API key that signed in, where one did.</summary>
    public const string ApiKey = "api_key";

    /// <summary>One claim per scope the credential carries.</summary>
    public const string Scope = "scope";

    /// <summary>The session that an access token belongs to.</summary>
    public const string Session = "sid";

    /// <summary>One claim per group that somebody is in.</summary>
    public const string Group = "group";

    /// <summary>One claim per model that an API key may use; none means every model.</summary>
    public const string Model = "model";
}

public static class Roles
{
    public const string Administrator = "administrator";
    public const string User = "user";

    /// <summary>Signed up, not yet approved: may do nothing.</summary>
    public const string Pending = "pending";

    public static readonly IReadOnlyList<string> All = [Administrator, User, Pending];
}

/// <summary>Names of the authorization policies that routes carry.</summary>
public static class Policies
{
    public const string Administrator = "administrator";
}

/// <summary>Holds the caller of the message or request that runs on this flow of control.</summary>
public sealed class Caller
{
    private readonly AsyncLocal<CurrentUser?> current = new();

    public CurrentUser Current
    {
        get => current.Value ?? throw Refusal.Unauthenticated();
        set => current.Value = value;
    }
}
