using LlmPlatform.SharedKernel;
using Microsoft.Extensions.Configuration;

namespace LlmPlatform.Auth.Oidc;

/// <summary>The OpenID provider where people may sign in, as an operator says with <c>Oidc:*</c>.</summary>
public sealed record OidcSettings
{
    /// <summary>The provider's address; null where nobody signs in elsewhere.</summary>
    public Uri? Authority { get; init; }

    public string? ClientId { get; init; }

    public string? ClientSecret { get; init; }

    /// <summary>What the sign-in page calls it.</summary>
    public required string DisplayName { get; init; }

    public required IReadOnlyList<string> Scopes { get; init; }

    /// <summary>The claim that lists somebody's groups there.</summary>
    public required string GroupsClaim { get; init; }

    /// <summary>Keys of our groups by the names they have there.</summary>
    public required IReadOnlyDictionary<string, string> Groups { get; init; }

    /// <summary>Names of groups there whose people administer here.</summary>
    public required IReadOnlyList<string> AdministratorGroups { get; init; }

    /// <summary>Whether somebody who is not registered here becomes so by signing in.</summary>
    public required bool SignUp { get; init; }

    /// <summary>The role of who signs up: <c>user</c>, or <c>pending</c> until an administrator approves.</summary>
    public required string Role { get; init; }

    /// <summary>Whether an account of the same e-mail address is taken over, where the provider says that it verified the address.</summary>
    public required bool LinkByEmail { get; init; }

    /// <summary>The settings; in part they count only where there is an authority.</summary>
    /// <exception cref="InvalidOperationException">They cannot be right.</exception>
    public static OidcSettings Read(IConfiguration configuration)
    {
        var section = configuration.GetSection("Oidc");
        Uri? authority = null;
        if (section["Authority"] is { Length: > 0 } text
            && (!Uri.TryCreate(text, UriKind.Absolute, out authority) || (authority.Scheme != "https" && !(authority.Scheme == "http" && authority.IsLoopback))))
        {
            throw new InvalidOperationException("Oidc:Authority is an https address (http for this machine alone).");
        }

        if (authority is not null && string.IsNullOrEmpty(section["ClientId"]))
        {
            throw new InvalidOperationException("Oidc:Authority needs Oidc:ClientId.");
        }

        // Otherwise somebody signs up with another person's address, waits for that person to come by the provider, and shares the account.
        if (section.GetValue("LinkByEmail", false) && configuration["SignUp:Mode"]?.ToLowerInvariant() is "open" or "approval" && string.IsNullOrEmpty(configuration["Smtp:Host"]))
        {
            throw new InvalidOperationException("Oidc:LinkByEmail trusts the addresses of accounts, and with SignUp:Mode open or approval nobody has confirmed them unless mails are sent (Smtp:Host).");
        }

        var role = section["Role"] ?? Roles.User;
        return role is not (Roles.User or Roles.Pending)
            ? throw new InvalidOperationException("Oidc:Role is 'user' or 'pending'. Administrators come by Oidc:AdministratorGroups.")
            : new OidcSettings
            {
                Authority = authority,
                ClientId = section["ClientId"],
                ClientSecret = section["ClientSecret"],
                DisplayName = section["DisplayName"] ?? authority?.Host ?? "",
                Scopes = section.GetSection("Scopes").Get<string[]>() ?? ["openid", "profile", "email"],
                GroupsClaim = section["GroupsClaim"] ?? "groups",
                Groups = section.GetSection("Groups").GetChildren().Where(group => group.Value is not null).ToDictionary(group => group.Key, group => group.Value!),
                AdministratorGroups = section.GetSection("AdministratorGroups").Get<string[]>() ?? [],
                SignUp = section.GetValue("SignUp", true),
                Role = role,
                LinkByEmail = section.GetValue("LinkByEmail", false),
            };
    }
}
