using FluentValidation;
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

namespace LlmPlatform.Auth.Joining;

/// <summary>Confirms the address of a sign-up, for whoever opened the link that went there. Only then there is an account.</summary>
public sealed record ConfirmSignUp(string Token);

internal sealed class ConfirmSignUpValidator : AbstractValidator<ConfirmSignUp>
{
    public ConfirmSignUpValidator() => RuleFor(c => c.Token).NotEmpty().MaximumLength(200);
}

public static class ConfirmSignUpEndpoint
{
    [WolverinePost("/api/v1/auth/sign-up/confirm", OperationId = "confirmSignUp"), AllowAnonymous]
    [EndpointSummary("Confirm the address of a sign-up"), Tags("Sign-in"), ProducesResponseType<ProblemDetails>(401), ProducesResponseType<ProblemDetails>(409)]
    public static async Task<(Created<UserProfile>, OutgoingMessages)> Post(
        ConfirmSignUp command,
        IDocumentSession session,
        SignUpMode mode,
        Registration registration,
        SubjectVault vault,
        MasterKey master,
        DateTimeOffset now,
        CancellationToken cancellation)
    {
        mode.RefuseClosed();
        var link = await OneTimeLinks.UseAsync(session, LinkPurpose.SignUp, command.Token, now, cancellation);
        var messages = new OutgoingMessages();
        var newcomer = Newcomer.Open(master, link.SealedContent!).ToUser(mode.Role, link.UserId);
        var user = await registration.AddAsync(session, messages, newcomer, by: null, now, cancellation);
        return (TypedResults.Created($"/api/v1/auth/users/{user.Id}", await UserProfile.OpenAsync(user, vault, cancellation)), messages);
    }
}
