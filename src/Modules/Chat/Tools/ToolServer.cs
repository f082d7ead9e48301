using System.Text.RegularExpressions;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Chat.Tools;

/// <summary>A server of tools (Model Context Protocol, streamable HTTP) that an administrator registered. Nothing is sent to it for somebody who has not consented.</summary>
public sealed partial record ToolServer
{
    /// <summary>What requests name.</summary>
    public required string Id { get; init; }

    public required string Title { get; init; }

    /// <summary>The one address that is asked; no redirect leads to another.</summary>
    public required string Address { get; init; }

    /// <summary>A bearer token, sealed with the master key.</summary>
    public string? SealedToken { get; init; }

    public required bool IsEnabled { get; init; }

    public required ToolRights Rights { get; init; }

    /// <summary>Goes up with each change, so that two people who edit at once do not undo each other.</summary>
    public required int Version { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset ChangedAt { get; init; }

    /// <summary>Held by whoever changes a server or a consent: a consent must not be given to an address that is just going.</summary>
    internal const string Lock = "chat:tool-servers";

    public static bool IsName(string name) => NamePattern().IsMatch(name);

    internal bool IsFor(CurrentUser user) => IsFor(user.IsAdministrator, user.Groups);

    internal bool IsFor(ModelUser user) => IsFor(user.Role == Roles.Administrator, user.Groups);

    internal static Refusal NotFound() => Refusal.NotFound("tools.server_not_found", "There is no such tool server.");

    private bool IsFor(bool isAdministrator, IReadOnlyList<string> groups) => IsEnabled && (isAdministrator || Rights.Everyone || groups.Any(Rights.Groups.Contains));

    [GeneratedRegex("^[a-z0-9-]{1,32}$", RegexOptions.NonBacktracking)]
    private static partial Regex NamePattern();
}

/// <summary>Who may use the tools of a server, besides administrators. For the others it does not exist.</summary>
public sealed record ToolRights(bool Everyone, IReadOnlyList<string> Groups);
