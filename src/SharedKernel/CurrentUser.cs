using System.Security.Claims;

namespace LlmPlatform.SharedKernel;

/// <summary>Who asks. Handlers take it as a parameter at both doors, HTTP and bus; messages that run later carry ids instead.</summary>
public sealed record CurrentUser(Guid Id, string Role)
{
    // Names of the claims of our own principals, as in the access token.
    public const string SubjectClaim = "sub";
    public const string RoleClaim = "role";

    /// <summary>The API key that signed in, where one did.</summary>
    public const string ApiKeyClaim = "api_key";

    /// <summary>One claim per scope the credential carries.</summary>
    public const string ScopeClaim = "scope";

    /// <summary>The session that an access token belongs to.</summary>
    public const string SessionClaim = "sid";

    /// <summary>One claim per group that somebody is in.</summary>
    public const string GroupClaim = "group";

    /// <summary>One claim per model that an API key may use; none means every model.</summary>
    public const string ModelClaim = "model";

    /// <summary>One claim per permission that the groups of somebody grant.</summary>
    public const string PermissionClaim = "permission";

    /// <summary>Keys of the groups that the caller is in.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>The models that the caller's API key is limited to; none for no limit.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];

    /// <summary>The API key that signed in, where one did.</summary>
    public Guid? ApiKeyId { get; init; }

    /// <summary>The permissions that the caller's groups grant.</summary>
    public IReadOnlyList<string> Granted { get; init; } = [];

    public bool IsAdministrator => Role == Roles.Administrator;

    /// <summary>Whether the caller has one of the <see cref="Permissions"/>.</summary>
    public bool May(string permission) => IsAdministrator || Granted.Contains(permission);

    /// <summary>Reads the principal that the credential handler made; throws where nobody signed in, because deny-by-default should have stopped the request.</summary>
    public static CurrentUser From(ClaimsPrincipal principal)
    {
        return Guid.TryParse(principal.FindFirstValue(SubjectClaim), out var id)
            ? new CurrentUser(id, principal.FindFirstValue(RoleClaim) ?? Roles.Pending)
            {
                Groups = ValuesOf(GroupClaim),
                Models = ValuesOf(ModelClaim),
                Granted = ValuesOf(PermissionClaim),
                ApiKeyId = Guid.TryParse(principal.FindFirstValue(ApiKeyClaim), out var key) ? key : null,
            }
            : throw Refusal.Unauthenticated();

        IReadOnlyList<string> ValuesOf(string type) => [.. principal.FindAll(type).Select(claim => claim.Value)];
    }
}

public static class Roles
{
    public const string Administrator = "administrator";
    public const string User = "user";

    /// <summary>Signed up, not yet approved: may do nothing.</summary>
    public const string Pending = "pending";

    public static readonly IReadOnlyList<string> All = [Administrator, User, Pending];
}

/// <summary>
/// What a group may let its members do beside what everybody may. Administrators have them all; people and groups stay theirs alone. Each is the
/// name of the policy that asks for it, too.
/// </summary>
public static class Permissions
{
    /// <summary>Install, configure, name, price and delete models, and see those of others.</summary>
    public const string Models = "models";

    /// <summary>Set quotas, and see what everybody used.</summary>
    public const string Quotas = "quotas";

    /// <summary>Read the audit trail.</summary>
    public const string Audit = "audit";

    /// <summary>Read the metrics.</summary>
    public const string Metrics = "metrics";

    public static readonly IReadOnlyList<string> All = [Models, Quotas, Audit, Metrics];
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
