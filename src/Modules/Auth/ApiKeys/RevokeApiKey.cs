using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.ApiKeys;

public static class RevokeApiKeyEndpoint
{
    [WolverineDelete("/api/v1/auth/api-keys/{id}", OperationId = "revokeApiKey"), Authorize]
    [EndpointSummary("Revoke an API key"), Tags("API keys"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(NoContent, OutgoingMessages)> Delete(
        Guid id, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var stream = await session.Events.FetchForWriting<ApiKey>(id, cancellation);
        stream.Aggregate.Of(currentUser);
        stream.AppendOne(new ApiKeyRevoked(id, currentUser.Id, now));
        return (TypedResults.NoContent(), [Act.Of(currentUser.Id, "auth.api_key_revoked", Act.ApiKey(id), now)]);
    }
}
