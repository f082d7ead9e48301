using FluentValidation;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
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
    [EndpointSummary("Change your name"), Tags("Users"), ProducesResponseType<ProblemDetails>(409)]
    public static async Task<(UserProfile, OutgoingMessages)> Patch(
        RenameMe command,
        IDocumentSession session,
        SubjectVault vault,
        MasterKey master,
        CurrentUser currentUser,
        DateTimeOffset now,
        CancellationToken cancellation)
    {
        var stream = await session.Events.FetchForWriting<User>(currentUser.Id, cancellation);
        var user = stream.Aggregate ?? throw Refusal.Unauthenticated();
        var name = await session.ClaimNameAsync(master, user.Id, command.Name, cancellation);
        var renamed = new UserRenamed(user.Id, await vault.SealAsync(user.Id, name, cancellation), now);
        stream.AppendOne(renamed);
        return (await UserProfile.OpenAsync(user.Apply(renamed), vault, cancellation), [Act.Of(user.Id, "auth.user_renamed", Act.User(user.Id), now)]);
    }
}
