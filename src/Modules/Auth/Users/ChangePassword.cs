using System.Security.Claims;
using FluentValidation;
using LlmPlatform.Auth.Mail;
using LlmPlatform.Auth.SignIn;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.Users;

/// <summary>Changes one's own password. Every other session ends.</summary>
public sealed record ChangePassword(string CurrentPassword, string NewPassword);

internal sealed class ChangePasswordValidator : AbstractValidator<ChangePassword>
{
    public ChangePasswordValidator()
    {
        RuleFor(c => c.CurrentPassword).NotEmpty().MaximumLength(UserRules.LongestPassword);
        RuleFor(c => c.NewPassword).NewPassword();
    }
}

public static class ChangePasswordEndpoint
{
    [WolverinePost("/api/v1/auth/me/password", OperationId = "changePassword"), Authorize]
    [EndpointSummary("Change your password; every other session ends"), Tags("Users"), ProducesResponseType<ProblemDetails>(403), ProducesResponseType<ProblemDetails>(429)]
    public static async Task<(NoContent, OutgoingMessages)> Post(
        ChangePassword command,
        IDocumentSession session,
        Reauthentication reauthentication,
        Passwords passwords,
        MailSettings mail,
        SubjectVault vault,
        MasterKey master,
        ClaimsPrincipal principal,
        CurrentUser currentUser,
        DateTimeOffset now,
        CancellationToken cancellation)
    {
        await reauthentication.RequireAsync(session, currentUser.Id, command.CurrentPassword, cancellation);
        var user = await session.LoadAsync<User>(currentUser.Id, cancellation) ?? throw Refusal.Unauthenticated();
        var profile = await UserProfile.OpenAsync(user, vault, cancellation);
        UserRules.RefusePersonal(command.NewPassword, profile.Email, profile.Name);
        var kept = Guid.TryParse(principal.FindFirstValue(CurrentUser.SessionClaim), out var current) ? current : Guid.Empty;
        session.SetPassword(user.Id, await passwords.HashAsync(command.NewPassword, cancellation), kept, now);
        var messages = new OutgoingMessages { Act.Of(user.Id, "auth.password_changed", Act.User(user.Id), now) };
        if (mail.IsOn)
        {
            messages.Add(SendMail.Of(master, Letter.PasswordChanged, profile.Email, link: null, now));
        }

        return (TypedResults.NoContent(), messages);
    }
}
