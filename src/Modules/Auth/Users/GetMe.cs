using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Wolverine.Http;

namespace LlmPlatform.Auth.Users;

public static class GetMeEndpoint
{
    [WolverineGet("/api/v1/auth/me", OperationId = "getMe"), Authorize]
    [EndpointSummary("Show who is signed in"), Tags("Users")]
    public static async Task<UserProfile> Get(IQuerySession session, SubjectVault vault, CurrentUser currentUser, CancellationToken cancellation)
    {
        var user = await session.LoadAsync<User>(currentUser.Id, cancellation) ?? throw Refusal.Unauthenticated();
        return await UserProfile.OpenAsync(user, vault, cancellation);
    }
}
