using FluentValidation;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.Users;

/// <summary>Registers a user. Without a password the person cannot sign in before a link from an administrator sets one.</summary>
public sealed record RegisterUser(string Email, string Name, string Role = Roles.User, string? Password = null);

internal sealed class RegisterUserValidator : AbstractValidator<RegisterUser>
{
    public RegisterUserValidator()
    {
        RuleFor(c => c.Email).Email();
        RuleFor(c => c.Name).PersonName();
        RuleFor(c => c.Role).Role();
        RuleFor(c => c.Password).NewPassword().NotPersonal(c => c.Email, c => c.Name);
    }
}

public static class RegisterUserEndpoint
{
    [WolverinePost("/api/v1/auth/users", OperationId = "registerUser"), Authorize(Policies.Administrator)]
    [EndpointSummary("Register a user"), Tags("Users"), ProducesResponseType<ProblemDetails>(409)]
    public static async Task<(Created<UserProfile>, OutgoingMessages)> Post(
        RegisterUser command,
        IDocumentSession session,
        Registration registration,
        Passwords passwords,
        SubjectVault vault,
        CurrentUser currentUser,
        DateTimeOffset now,
        CancellationToken cancellation)
    {
        var hash = command.Password is { } password ? await passwords.HashAsync(password, cancellation) : null;
        var messages = new OutgoingMessages();
        var user = await registration.AddAsync(
            session, messages, new NewUser(command.Email, command.Name, command.Role, hash), currentUser.Id, now, cancellation);
        return (TypedResults.Created($"/api/v1/auth/users/{user.Id}", await UserProfile.OpenAsync(user, vault, cancellation)), messages);
    }
}
