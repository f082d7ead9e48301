using FluentValidation;
using LlmPlatform.Auth.Groups;
using LlmPlatform.Auth.Links;
using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.Invitations;

/// <summary>Joins by an invitation, with a name and a password of one's own.</summary>
public sealed record AcceptInvitation(string Token, string Name, string Password);

internal sealed class AcceptInvitationValidator : AbstractValidator<AcceptInvitation>
{
    public AcceptInvitationValidator()
    {
        RuleFor(c => c.Token).NotEmpty().MaximumLength(200);
        RuleFor(c => c.Name).PersonName();
        RuleFor(c => c.Password).NewPassword().NotPersonal(c => c.Name);
    }
}

public static class AcceptInvitationEndpoint
{
    [WolverinePost("/api/v1/auth/invitations/accept", OperationId = "acceptInvitation"), AllowAnonymous]
    [EndpointSummary("Join by an invitation"), Tags("Invitations"), ProducesResponseType<ProblemDetails>(401), ProducesResponseType<ProblemDetails>(409)]
    public static async Task<(Created<UserProfile>, OutgoingMessages)> Post(
        AcceptInvitation command,
        IDocumentSession session,
        Registration registration,
        Passwords passwords,
        SubjectVault vault,
        DateTimeOffset now,
        CancellationToken cancellation)
    {
        var link = await OneTimeLinks.UseAsync(session, LinkPurpose.Invitation, command.Token, now, cancellation);
        if (await session.LoadAsync<Invitation>(link.UserId, cancellation) is not { } invitation
            || await vault.OpenAsync(invitation.Id, invitation.SealedEmail, cancellation) is not { } email)
        {
            throw OneTimeLinks.Invalid();
        }

        UserRules.RefusePersonal(command.Password, email);
        await session.LockAsync(Group.Lock, cancellation);
        var hash = await passwords.HashAsync(command.Password, cancellation);
        var messages = new OutgoingMessages();
        var newcomer = new NewUser(email, command.Name, invitation.Role, hash) { Id = invitation.Id };
        var user = await registration.AddAsync(session, messages, newcomer, by: null, now, cancellation);
        foreach (var group in await session.LoadManyAsync<Group>(cancellation, [.. invitation.Groups]))
        {
            var joined = new UserJoinedGroup(user.Id, group.Id, invitation.By, now);
            session.Events.Append(user.Id, joined);
            user = user.Apply(joined);
        }

        session.Delete(invitation);
        return (TypedResults.Created($"/api/v1/auth/users/{user.Id}", await UserProfile.OpenAsync(user, vault, cancellation)), messages);
    }
}
