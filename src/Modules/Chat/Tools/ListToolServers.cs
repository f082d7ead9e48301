using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Wolverine.Http;

namespace LlmPlatform.Chat.Tools;

/// <summary>A server of tools, and what you have consented to. Where it is and who may use it is for administrators.</summary>
public sealed record ToolServerDetails(string Name, string Title, bool Enabled, ConsentDetails? Consent)
{
    public string? Address { get; init; }

    /// <summary>Whether a token is sent along. The token itself is never shown.</summary>
    public bool? HasToken { get; init; }

    public ToolRights? Rights { get; init; }

    public int? Version { get; init; }

    public DateTimeOffset? CreatedAt { get; init; }

    public DateTimeOffset? ChangedAt { get; init; }

    internal static ToolServerDetails Of(ToolServer server, ToolConsent? consent, bool isAdministrator)
    {
        var details = new ToolServerDetails(server.Id, server.Title, server.IsEnabled, consent is null ? null : new ConsentDetails(consent.Tools, consent.At));
        return !isAdministrator ? details : details with
        {
            Address = server.Address,
            HasToken = server.SealedToken is not null,
            Rights = server.Rights,
            Version = server.Version,
            CreatedAt = server.CreatedAt,
            ChangedAt = server.ChangedAt,
        };
    }
}

/// <summary>What somebody consented to, and when: names of tools, or <c>*</c> for all of the server.</summary>
public sealed record ConsentDetails(IReadOnlyList<string> Tools, DateTimeOffset At);

public static class ListToolServersEndpoint
{
    [WolverineGet("/api/v1/chat/tool-servers", OperationId = "listToolServers"), Authorize]
    [EndpointSummary("List the tool servers you may use, and your consents"), Tags("Tools")]
    public static async Task<Page<ToolServerDetails>> Get(CurrentUser currentUser, IQuerySession session, CancellationToken cancellation)
    {
        var servers = await session.Query<ToolServer>().OrderBy(s => s.Id).ToListAsync(cancellation); // an administrator makes a few
        var consents = (await session.Query<ToolConsent>().Where(c => c.UserId == currentUser.Id).ToListAsync(cancellation)).ToDictionary(c => c.Server);
        return new Page<ToolServerDetails>(
            [.. servers.Where(s => currentUser.IsAdministrator || s.IsFor(currentUser)).Select(s => ToolServerDetails.Of(s, consents.GetValueOrDefault(s.Id), currentUser.IsAdministrator))], null);
    }
}
