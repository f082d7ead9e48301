using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;
using Marten;
using ModelContextProtocol.Protocol;

namespace LlmPlatform.Chat.Tools;

/// <summary>Lets models call tools of registered servers, each call only as long as the person in whose name it is made consents.</summary>
internal sealed class ToolBox(IChatStore store, ToolSessions sessions, TimeProvider time)
{
    private const int MostServers = 16;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Opens sessions with these servers and gives the tools that the user consented to. Whoever gets them disposes them.</summary>
    /// <exception cref="Refusal">
    /// 404 <c>tools.server_not_found</c>, also where the server is not for this user; 403 <c>tools.consent_required</c>; 502 <c>tools.unreachable</c>;
    /// 422 <c>tools.too_many_servers</c>.
    /// </exception>
    public async Task<OfferedTools> OfferAsync(ModelUser user, IReadOnlyList<string> servers, CancellationToken cancellation)
    {
        string[] names = [.. servers.Distinct().Order(StringComparer.Ordinal)];
        if (names.Length > MostServers)
        {
            throw new Refusal(new Error(422, "tools.too_many_servers", $"A conversation uses {MostServers} tool servers at most."));
        }

        var granted = new List<Grant>();
        await using (var session = store.QuerySession())
        {
            foreach (var name in names)
            {
                granted.Add(await FindAsync(session, user, name, cancellation));
            }
        }

        Task<ToolSession>[] opening = [.. granted.Select(g => sessions.OpenAsync(g.Server, cancellation))];
        try
        {
            var open = await Task.WhenAll(opening);
            return new OfferedTools(user, [.. open.Zip(granted, (session, grant) => (session, grant.Consent))]);
        }
        catch
        {
            await Task.WhenAll(opening.Where(o => o.IsCompletedSuccessfully).Select(async o => await (await o).DisposeAsync()));
            throw;
        }
    }

    /// <summary>
    /// Makes a call that a model asked for. Whatever goes wrong, short of being cancelled, is a result for the model to read. The consent is looked
    /// up again: it may have been withdrawn while the model wrote.
    /// </summary>
    public async Task<ToolResult> CallAsync(OfferedTools offered, ToolCall call, CancellationToken cancellation)
    {
        if (offered.Find(call.Name) is not { } tool)
        {
            return ToolResult.Failed("tools.unknown", "There is no such tool; the call was not made. Use the tools that were described, by their exact names.");
        }

        var (arguments, fault) = ToolArguments.Read(call.Arguments, tool.Details.Parameters);
        if (fault is not null)
        {
            return ToolResult.Failed("tools.arguments_invalid", $"The call was not made: {fault}");
        }

        if (!await IsGrantedAsync(offered.User, tool, cancellation))
        {
            return ToolResult.Failed("tools.consent_required", "The call was not made: the user does not consent to this tool any more.");
        }

        using var timeout = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        try
        {
            var parameters = new CallToolRequestParams { Name = tool.Details.Name, Arguments = arguments };
            return ToolResult.Of(await tool.Session.Client.CallToolAsync(parameters, either.Token));
        }
        catch (Exception failure) when (!cancellation.IsCancellationRequested && failure is not OutOfMemoryException)
        {
            return timeout.IsCancellationRequested
                ? ToolResult.Failed("tools.timeout", $"The tool did not answer within {Patience.TotalSeconds:0} seconds.")
                : ToolResult.Failed("tools.failed", "The tool server failed to answer; there is no result.");
        }
    }

    private async Task<bool> IsGrantedAsync(ModelUser user, OfferedTool tool, CancellationToken cancellation)
    {
        try
        {
            await using var session = store.QuerySession();
            var grant = await FindAsync(session, user, tool.Session.Server.Id, cancellation);
            return grant.Server.Address == tool.Session.Server.Address && grant.Consent.Covers(tool.Details.Name);
        }
        catch (Refusal)
        {
            return false;
        }
    }

    private static async Task<Grant> FindAsync(IQuerySession session, ModelUser user, string name, CancellationToken cancellation)
    {
        if (!ToolServer.IsName(name) || await session.LoadAsync<ToolServer>(name, cancellation) is not { } server || !server.IsFor(user))
        {
            throw ToolServer.NotFound();
        }

        return await session.LoadAsync<ToolConsent>(ToolConsent.IdOf(user.Id, name), cancellation) is { } consent
            ? new Grant(server, consent)
            : throw new Refusal(new Error(403, "tools.consent_required", $"You have not consented to the tools of {name}. Do so with PUT /api/v1/chat/tool-servers/{name}/consent."));
    }

    private sealed record Grant(ToolServer Server, ToolConsent Consent);
}
