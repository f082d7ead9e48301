using System.Text.Json;
using FluentValidation;
using LlmPlatform.Auth.Links;
using LlmPlatform.Auth.Mail;
using LlmPlatform.Auth.SignIn;
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

/// <summary>Asks to join, where the platform lets people do so by themselves.</summary>
public sealed record SignUp(string Email, string Name, string Password);

internal sealed class SignUpValidator : AbstractValidator<SignUp>
{
    public SignUpValidator()
    {
        RuleFor(c => c.Email).Email();
        RuleFor(c => c.Name).PersonName();
        RuleFor(c => c.Password).NewPassword().NotPersonal(c => c.Email, c => c.Name);
    }
}

public static class SignUpEndpoint
{
    [WolverinePost("/api/v1/auth/sign-up", OperationId = "signUp"), AllowAnonymous]
    [EndpointSummary("Ask to join"), Tags("Sign-in"), ProducesResponseType<ProblemDetails>(403), ProducesResponseType<ProblemDetails>(429)]
    public static async Task<(Accepted, OutgoingMessages)> Post(
        SignUp command,
        IQuerySession session,
        SignUpMode mode,
        LinkRequests requests,
        CallerAddress address,
        Passwords passwords,
        MasterKey master,
        CancellationToken cancellation)
    {
        mode.RefuseClosed();
        requests.Take(master.ClaimId(EmailAddress.Canonical(command.Email)!), address.Network);

        // Whether the address is known is found out later, so neither the answer nor its time tells.
        var newcomer = new Newcomer(command.Email.Trim(), command.Name, await passwords.HashAsync(command.Password, cancellation));
        return (TypedResults.Accepted((string?)null), [new ReceiveSignUp(newcomer.Seal(master))]);
    }
}

/// <summary>Registers somebody who signed up, or first has the address confirmed where mails are sent.</summary>
/// <param name="SealedNewcomer">Who it is, sealed by the master key: the person has no key of their own yet.</param>
public sealed record ReceiveSignUp(string SealedNewcomer);

public static class ReceiveSignUpHandler
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(1);

    public static async Task<OutgoingMessages> Handle(
        ReceiveSignUp command,
        IDocumentSession session,
        SignUpMode mode,
        Registration registration,
        OneTimeLinks links,
        MailSettings mail,
        SubjectVault vault,
        MasterKey master,
        DateTimeOffset now,
        CancellationToken cancellation)
    {
        var newcomer = Newcomer.Open(master, command.SealedNewcomer);
        var messages = new OutgoingMessages();
        if (await session.LoadAsync<EmailClaim>(master.ClaimId(EmailAddress.Canonical(newcomer.Email)!), cancellation) is { } claim)
        {
            if (mail.IsOn && await session.LoadAsync<User>(claim.UserId, cancellation) is { } user && await vault.OpenAsync(user.Id, user.SealedEmail, cancellation) is { } email)
            {
                messages.Add(SendMail.Of(master, Letter.AlreadyRegistered, email, link: null, now));
            }

            return messages;
        }

        if (mail.IsOn)
        {
            var link = links.Issue(session, LinkPurpose.SignUp, Guid.CreateVersion7(now), now + Lifetime, now, command.SealedNewcomer);
            messages.Add(SendMail.Of(master, Letter.SignUp, newcomer.Email, link, now));
            return messages;
        }

        await registration.AddAsync(session, messages, newcomer.ToUser(mode.Role, id: null), by: null, now, cancellation);
        return messages;
    }
}

/// <summary>Somebody who is about to be registered.</summary>
internal sealed record Newcomer(string Email, string Name, string PasswordHash)
{
    public string Seal(MasterKey master) => master.SealText(JsonSerializer.Serialize(this));

    public static Newcomer Open(MasterKey master, string text) => JsonSerializer.Deserialize<Newcomer>(master.OpenText(text))!;

    // A name that is taken gets a number: refusing it would tell who has signed up before.
    public NewUser ToUser(string role, Guid? id) => new(Email, Name, role, PasswordHash) { Id = id, TakesFreeName = true };
}
