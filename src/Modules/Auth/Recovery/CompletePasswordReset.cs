using FluentValidation;
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

namespace LlmPlatform.Auth.Recovery;

/// <summary>Sets another password by a link. Every session ends.</summary>
public sealed record CompletePasswordReset(string Token, string NewPassword);

internal sealed class CompletePasswordResetValidator : AbstractValidator<CompletePasswordReset>
{
    public CompletePasswordResetValidator()
    {
        RuleFor(c => c.Token).NotEmpty().MaximumLength(200);
        RuleFor(c => c.NewPassword).NewPassword();
    }
}

public static class CompletePasswordResetEndpoint
{
    [WolverinePost("/api/v1/auth/password-reset/complete", OperationId = "completePasswordReset"), AllowAnonymous]
    [EndpointSummary("Set another password by a link; every session ends"), Tags("Sign-in"), ProducesResponseType<ProblemDetails>(401)]
    public static async Task<(NoContent, OutgoingMessages)> Post(
        CompletePasswordReset command,
        IDocumentSession session,
        Passwords passwords,
        MailSettings mail,
        SubjectVault vault,
        MasterKey master,
        DateTimeOffset now,
        CancellationToken cancellation)
    {
        var link = await OneTimeLinks.UseAsync(session, LinkPurpose.PasswordReset, command.Token, now, cancellation);
        if (await session.LoadAsync<User>(link.UserId, cancellation) is not { IsDisabled: false } user)
        {
            throw OneTimeLinks.Invalid();
        }

        var profile = await UserProfile.OpenAsync(user, vault, cancellation);
        UserRules.RefusePersonal(command.NewPassword, profile.Email, profile.Name);
        session.SetPassword(user.Id, await passwords.HashAsync(command.NewPassword, cancellation), Guid.Empty, now);
        var messages = new OutgoingMessages { Act.Of(user.Id, "auth.password_reset", Act.User(user.Id), now) };
        if (mail.IsOn)
        {
            messages.Add(SendMail.Of(master, Letter.PasswordChanged, profile.Email, link: null, now));
        }

        return (TypedResults.NoContent(), messages);
    }
}
