using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.PersonalData;

public static class EraseUserEndpoint
{
    [WolverineDelete("/api/v1/auth/users/{id}", OperationId = "eraseUser"), Authorize(Policies.Administrator)]
    [EndpointSummary("Erase a person for ever"), Tags("Users"), ProducesResponseType<ProblemDetails>(404), ProducesResponseType<ProblemDetails>(409)]
    public static async Task<(NoContent, OutgoingMessages)> Delete(
        Guid id, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation) =>
        (TypedResults.NoContent(), await Erasure.EraseAsync(session, id, currentUser.Id, now, cancellation));
}
