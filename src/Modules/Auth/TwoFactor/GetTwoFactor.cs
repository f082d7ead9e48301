using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Wolverine.Http;

namespace LlmPlatform.Auth.TwoFactor;

/// <summary>Whether signing in takes a code, and how many backup codes are left.</summary>
public sealed record TwoFactorState(bool Enabled, int BackupCodesLeft);

public static class GetTwoFactorEndpoint
{
    [WolverineGet("/api/v1/auth/me/two-factor", OperationId = "getTwoFactor"), Authorize]
    [EndpointSummary("Show whether you have a second factor"), Tags("Two-factor")]
    public static async Task<TwoFactorState> Get(IQuerySession session, CurrentUser currentUser, CancellationToken cancellation) =>
        await SecondFactors.FindAsync(session, currentUser.Id, cancellation) is { IsOn: true } factor ? new TwoFactorState(true, factor.BackupCodes) : new TwoFactorState(false, 0);
}
