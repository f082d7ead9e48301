using LlmPlatform.Admin.Contracts;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Chat.Tools;

public static class DeleteToolServerEndpoint
{
    [WolverineDelete("/api/v1/chat/tool-servers/{name}", OperationId = "deleteToolServer"), Authorize(Policies.Administrator)]
    [EndpointSummary("Delete a tool server and all consents to it"), Tags("Tools"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(NoContent, OutgoingMessages)> Delete(
        string name, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        await session.LockAsync(ToolServer.Lock, cancellation);
        var server = await session.LoadAsync<ToolServer>(name, cancellation) ?? throw ToolServer.NotFound();
        session.Delete(server);

        // Otherwise whoever makes a server of this name later would find people who consented to it.
        session.DeleteWhere<ToolConsent>(c => c.Server == name);
        return (TypedResults.NoContent(), [new ActPerformed(Guid.CreateVersion7(now), currentUser.Id, "chat.tool_server_deleted", $"tool-server:{name}", now)]);
    }
}
