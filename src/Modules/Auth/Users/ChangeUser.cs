using FluentValidation;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.Users;

/// <summary>Changes what a user may do. What is left out stays as it is.</summary>
public sealed record ChangeUser(string? Role = null, bool? Disabled = null);

internal sealed class ChangeUserValidator : AbstractValidator<ChangeUser>
{
    public ChangeUserValidator() => RuleFor(c => c.Role).Role();
}

public static class ChangeUserEndpoint
{
    [WolverinePatch("/api/v1/auth/users/{id}", OperationId = "changeUser"), Authorize(Policies.Administrator)]
    [EndpointSummary("Change a user's role, or disable or enable the user"), Tags("Users")]
    [ProducesResponseType<ProblemDetails>(404), ProducesResponseType<ProblemDetails>(409)]
    public static async Task<(UserProfile, OutgoingMessages)> Patch(
        Guid id, ChangeUser command, IDocumentSession session, SubjectVault vault, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
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

        if (user.IsActiveAdministrator && !changed.IsActiveAdministrator && !await Administrators.HasOtherAsync(session, id, cancellation))
        {
            throw Administrators.Last();
        }

        return (await UserProfile.OpenAsync(changed, vault, cancellation), messages);
    }
}
