using FluentValidation;
using LlmPlatform.Auth.Links;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.Users;

/// <summary>Confirms a new address, for whoever opened the link that went there.</summary>
public sealed record ConfirmEmail(string Token);

internal sealed class ConfirmEmailValidator : AbstractValidator<ConfirmEmail>
{
    public ConfirmEmailValidator() => RuleFor(c => c.Token).NotEmpty().MaximumLength(200);
}

public static class ConfirmEmailEndpoint
{
    [WolverinePost("/api/v1/auth/email/confirm", OperationId = "confirmEmail"), AllowAnonymous]
    [EndpointSummary("Confirm a new e-mail address"), Tags("Users"), ProducesResponseType<ProblemDetails>(401), ProducesResponseType<ProblemDetails>(409)]
    public static async Task<(NoContent, OutgoingMessages)> Post(
        ConfirmEmail command, IDocumentSession session, SubjectVault vault, MasterKey master, DateTimeOffset now, CancellationToken cancellation)
    {
        var link = await OneTimeLinks.UseAsync(session, LinkPurpose.EmailChange, command.Token, now, cancellation);
        var stream = await session.Events.FetchForWriting<User>(link.UserId, cancellation);
        if (stream.Aggregate is not { IsDisabled: false } user || await vault.OpenAsync(user.Id, link.SealedContent!, cancellation) is not { } email)
        {
            throw OneTimeLinks.Invalid();
        }

        if (await session.MoveEmailAsync(master, vault, user, email, user.Id, now, cancellation) is { } changed)
        {
            stream.AppendOne(changed);
            OneTimeLinks.EndAll(session, user.Id); // they went to the address that was
        }

        return (TypedResults.NoContent(), [Act.Of(user.Id, "auth.email_changed", Act.User(user.Id), now)]);
    }
}
