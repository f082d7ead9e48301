using FluentValidation;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.Users;

/// <summary>Changes the name that others see.</summary>
public sealed record RenameMe(string Name);

internal sealed class RenameMeValidator : AbstractValidator<RenameMe>
{
    public RenameMeValidator() => RuleFor(c => c.Name).PersonName();
}

public static class RenameMeEndpoint
{
    [WolverinePatch("/api/v1/auth/me", OperationId = "renameMe"), Authorize]
    [EndpointSummary("Change your name"), Tags("Users")]
    public static async Task<(UserProfile, OutgoingMessages)> Patch(
        RenameMe command, IDocumentSession session, SubjectVault vault, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var stream = await session.Events.FetchForWriting<User>(currentUser.Id, cancellation);
        var user = stream.Aggregate ?? throw Refusal.Unauthenticated();
        var renamed = new UserRenamed(user.Id, await vault.SealAsync(user.Id, command.Name.Trim(), cancellation), now);
        stream.AppendOne(renamed);
        return (await UserProfile.OpenAsync(user.Apply(renamed), vault, cancellation), [Act.Of(user.Id, "auth.user_renamed", Act.User(user.Id), now)]);
    }
}
