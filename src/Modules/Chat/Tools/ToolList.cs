using System.Text;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using Wolverine.Http;

namespace LlmPlatform.Chat.Tools;

/// <summary>The tools that a server says it has.</summary>
/// <param name="Items">The first 128 that can be used.</param>
/// <param name="LeftOut">How many it has beside them that are too many, too large, or twice there.</param>
public sealed record ToolList(IReadOnlyList<ToolDetails> Items, int LeftOut)
{
    internal const int Most = 128;
    private const int MostPages = 16;
    private const int LongestDescription = 4096;
    private const int LongestSchema = 32 << 10;

    /// <summary>Reads page after page, but never more than is used: what a server says of itself is as long as it likes.</summary>
    internal static async Task<ToolList> ReadAsync(McpClient client, CancellationToken cancellation)
    {
        var tools = new Dictionary<string, ToolDetails>(StringComparer.Ordinal);
        var leftOut = 0;
        string? cursor = null;
        for (var page = 0; page < MostPages; page++)
        {
            var answer = await client.ListToolsAsync(new ListToolsRequestParams { Cursor = cursor }, cancellation);
            foreach (var tool in answer.Tools)
            {
                leftOut += tools.Count < Most && Read(tool) is { } details && tools.TryAdd(details.Name, details) ? 0 : 1;
            }

            if ((cursor = answer.NextCursor) is null || tools.Count == Most)
            {
                break;
            }
        }

        return new ToolList([.. tools.Values], leftOut);
    }

    private static ToolDetails? Read(Tool tool)
    {
        var schema = tool.InputSchema.GetRawText();
        return tool.Name is not { Length: > 0 and <= 256 } || tool.Name == ToolConsent.Everything || Encoding.UTF8.GetByteCount(schema) > LongestSchema
            ? null
            : new ToolDetails(tool.Name, tool.Description is { Length: > LongestDescription } text ? text[..LongestDescription] : tool.Description, schema);
    }
}

/// <summary>One tool.</summary>
/// <param name="Name">As the server calls it.</param>
/// <param name="Description">As the server describes it.</param>
/// <param name="Parameters">JSON Schema of its arguments.</param>
public sealed record ToolDetails(string Name, string? Description, string Parameters);

public static class ListToolsEndpoint
{
    [WolverineGet("/api/v1/chat/tool-servers/{name}/tools", OperationId = "listTools"), Authorize]
    [EndpointSummary("Ask a tool server what tools it has"), Tags("Tools"), ProducesResponseType<ProblemDetails>(404), ProducesResponseType<ProblemDetails>(502)]
    public static async Task<ToolList> Get(string name, CurrentUser currentUser, IQuerySession session, ToolSessions sessions, CancellationToken cancellation)
    {
        if (await session.LoadAsync<ToolServer>(name, cancellation) is not { } server || !(server.IsFor(currentUser) || currentUser.IsAdministrator))
        {
            throw ToolServer.NotFound();
        }

        await using var open = await sessions.OpenAsync(server, cancellation);
        return open.Tools;
    }
}
