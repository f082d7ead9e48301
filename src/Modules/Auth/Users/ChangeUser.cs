using FluentValidation;
using LlmPlatform.Auth.Links;
using LlmPlatform.Auth.Mail;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.Users;

/// <summary>Changes what a user may do, or the address by which the user signs in. What is left out stays as it is.</summary>
public sealed record ChangeUser(string? Role = null, bool? Disabled = null, string? Email = null);

internal sealed class ChangeUserValidator : AbstractValidator<ChangeUser>
{
    public ChangeUserValidator()
    {
        RuleFor(c => c.Role).Role();
        RuleFor(c => c.Email!).Email().When(c => c.Email is not null);
    }
}

public static class ChangeUserEndpoint
{
    [WolverinePatch("/api/v1/auth/users/{id}", OperationId = "changeUser"), Authorize(Policies.Administrator)]
    [EndpointSummary("Change a user's role or e-mail address, or disable or enable the user"), Tags("Users")]
    [ProducesResponseType<ProblemDetails>(404), ProducesResponseType<ProblemDetails>(409)]
    public static async Task<(UserProfile, OutgoingMessages)> Patch(
        Guid id,
        ChangeUser command,
        IDocumentSession session,
        MailSettings mail,
        SubjectVault vault,
        MasterKey master,
        CurrentUser currentUser,
        DateTimeOffset now,
        CancellationToken cancellation)
    {
        await session.LockAsync(Administrators.Lock, cancellation);
        var stream = await session.Events.FetchForWriting<User>(id, cancellation);
        var user = stream.Aggregate ?? throw Refusal.NotFound("user.not_found", "There is no such user.");
        var messages = new OutgoingMessages();
        var changed = user;
        if (command.Role is { } role && role != user.Role)
        {
            var e = new UserRoleChanged(id, role, currentUser.Id, now);
            stream.AppendOne(e);
            messages.Add(Act.Of(currentUser.Id, "auth.user_role_changed", Act.User(id), now));
            changed = changed.Apply(e);
        }

        if (command.Disabled is { } disabled && disabled != user.IsDisabled)
        {
            stream.AppendOne(disabled ? new UserDisabled(id, currentUser.Id, now) : new UserEnabled(id, currentUser.Id, now));
            messages.Add(Act.Of(currentUser.Id, disabled ? "auth.user_disabled" : "auth.user_enabled", Act.User(id), now));
            changed = changed with { IsDisabled = disabled };
        }

        if (command.Email is { } email && await session.MoveEmailAsync(master, vault, user, email, currentUser.Id, now, cancellation) is { } moved)
        {
            stream.AppendOne(moved);
            OneTimeLinks.EndAll(session, id); // they went to the address that was
            messages.Add(Act.Of(currentUser.Id, "auth.email_changed", Act.User(id), now));
            changed = changed.Apply(moved);
            if (mail.IsOn && await vault.OpenAsync(id, user.SealedEmail, cancellation) is { } old)
            {
                messages.Add(SendMail.Of(master, Letter.EmailChange, old, link: null, now));
            }
        }

        if (user.IsActiveAdministrator && !changed.IsActiveAdministrator && !await Administrators.HasOtherAsync(session, id, cancellation))
        {
            throw Administrators.Last();
        }

        return (await UserProfile.OpenAsync(changed, vault, cancellation), messages);
    }
}
