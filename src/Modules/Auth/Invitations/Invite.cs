using FluentValidation;
using LlmPlatform.Auth.Groups;
using LlmPlatform.Auth.Links;
using LlmPlatform.Auth.Mail;
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

/// <summary>Asks somebody to join. The person chooses name and password by the link.</summary>
public sealed record Invite(string Email, string Role = Roles.User, IReadOnlyList<string>? Groups = null);

/// <summary>A new invitation. The link is shown this once; <see cref="Mailed"/> says whether it went out by mail, too.</summary>
public sealed record CreatedInvitation(
    Guid Id, string Email, string Role, IReadOnlyList<string> Groups, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt, string Link, bool Mailed);

internal sealed class InviteValidator : AbstractValidator<Invite>
{
    public InviteValidator()
    {
        RuleFor(c => c.Email).Email();
        RuleFor(c => c.Role).Role();
        RuleFor(c => c.Groups).Must(groups => groups is null || groups.Count <= 100).WithErrorCode("group.too_many").WithMessage("Nobody is in more than 100 groups.");
    }
}

public static class InviteEndpoint
{
    [WolverinePost("/api/v1/auth/invitations", OperationId = "invite"), Authorize(Policies.Administrator)]
    [EndpointSummary("Invite somebody"), Tags("Invitations"), ProducesResponseType<ProblemDetails>(409), ProducesResponseType<ProblemDetails>(422)]
    public static async Task<(Created<CreatedInvitation>, OutgoingMessages)> Post(
        Invite command,
        IDocumentSession session,
        OneTimeLinks links,
        MailSettings mail,
        SubjectVault vault,
        MasterKey master,
        CurrentUser currentUser,
        DateTimeOffset now,
        CancellationToken cancellation)
    {
        var index = master.ClaimId(EmailAddress.Canonical(command.Email)!);
        await session.LockAsync($"auth:{index}", cancellation);
        if (await session.LoadAsync<EmailClaim>(index, cancellation) is not null)
        {
            throw EmailClaims.Taken();
        }

        string[] groups = [.. (command.Groups ?? []).Distinct()];
        if (groups.Except((await session.LoadManyAsync<Group>(cancellation, groups)).Select(g => g.Id)).FirstOrDefault() is { } unknown)
        {
            throw new Refusal(new Error(422, "group.not_found", $"There is no group '{unknown}'.", "groups"));
        }

        var time = now.ToUniversalTime();
        session.DeleteWhere<Invitation>(i => i.EmailIndex == index || i.ExpiresAt < time);
        var invitation = new Invitation
        {
            Id = Guid.CreateVersion7(now),
            SealedEmail = "",
            EmailIndex = index,
            Role = command.Role,
            Groups = groups,
            By = currentUser.Id,
            CreatedAt = time,
            ExpiresAt = time + Invitation.Lifetime,
        };
        var email = command.Email.Trim();
        invitation = invitation with { SealedEmail = await vault.SealAsync(invitation.Id, email, cancellation) };
        session.Insert(invitation);
        var link = links.Issue(session, LinkPurpose.Invitation, invitation.Id, invitation.ExpiresAt, now);
        var messages = new OutgoingMessages { Act.Of(currentUser.Id, "auth.invited", Act.Invitation(invitation.Id), now) };
        if (mail.IsOn)
        {
            messages.Add(SendMail.Of(master, Letter.Invitation, email, link, now));
        }

        var created = new CreatedInvitation(invitation.Id, email, invitation.Role, groups, invitation.CreatedAt, invitation.ExpiresAt, link, mail.IsOn);
        return (TypedResults.Created($"/api/v1/auth/invitations/{invitation.Id}", created), messages);
    }
}
