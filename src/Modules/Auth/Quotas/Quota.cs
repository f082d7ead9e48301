using System.Text.RegularExpressions;
using LlmPlatform.Auth.Contracts;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Auth.Quotas;

/// <summary>How much somebody, a group or everybody together may use.</summary>
public sealed partial record Quota
{
    /// <summary>Stands for each user who has no quota of their own, each with an account of their own.</summary>
    public const string EachUser = "each-user";

    /// <summary>Whom it limits: <c>user:{id}</c>, <c>group:{key}</c>, <c>model:{name}</c> or <see cref="EachUser"/>.</summary>
    public required string Id { get; init; }

    public required QuotaAmounts Amounts { get; init; }

    public required DateTimeOffset ChangedAt { get; init; }

    public static string OfUser(Guid id) => $"user:{id}";

    public static string OfGroup(string key) => $"group:{key}";

    public static string OfModel(string name) => $"model:{name}";

    /// <summary>The account of a key. Its limits stand with the key.</summary>
    public static string OfKey(Guid id) => $"key:{id}";

    /// <summary>The one way to write a scope, or null where the text is none.</summary>
    public static string? Scope(string text) => text.Split(':', 2) switch
    {
        [EachUser] => EachUser,
        ["user", var id] when Guid.TryParse(id, out var user) => OfUser(user),
        ["group", var key] when Groups.Group.IsKey(key) => OfGroup(key),
        ["model", var name] when ModelPattern().IsMatch(name) => OfModel(name),
        _ => null,
    };

    internal static Refusal NotFound() => Refusal.NotFound("quota.not_found", "No quota is set there.");

    // The names of models, as the design fixes them; whether one is installed is not for this module to know.
    [GeneratedRegex("^[a-z0-9._-]{1,64}(:[a-z0-9._-]{1,64})?$", RegexOptions.NonBacktracking)]
    private static partial Regex ModelPattern();
}

/// <summary>A quota as administrators see it.</summary>
public sealed record QuotaDetails(string Scope, QuotaAmounts Amounts, DateTimeOffset ChangedAt)
{
    internal static QuotaDetails Of(Quota quota) => new(quota.Id, quota.Amounts, quota.ChangedAt);
}
