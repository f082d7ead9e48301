using FluentValidation;
using LlmPlatform.Auth.Contracts;
using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.ApiKeys;

/// <summary>
/// Makes an API key. Without scopes it may generate text and no more; without models it may use every model of its owner, without networks from
/// everywhere, without a budget as much as its owner.
/// </summary>
public sealed record CreateApiKey(
    string Name,
    IReadOnlyList<string>? Scopes = null,
    IReadOnlyList<string>? Models = null,
    DateTimeOffset? ExpiresAt = null,
    IReadOnlyList<string>? Networks = null,
    QuotaAmounts? Budget = null);

/// <summary>A new key, shown this once.</summary>
public sealed record CreatedApiKey(
    Guid Id,
    string Key,
    string Name,
    string Prefix,
    IReadOnlyList<string> Scopes,
    IReadOnlyList<string> Models,
    IReadOnlyList<string> Networks,
    QuotaAmounts? Budget,
    DateTimeOffset? ExpiresAt,
    DateTimeOffset CreatedAt);

internal sealed class CreateApiKeyValidator : AbstractValidator<CreateApiKey>
{
    public CreateApiKeyValidator(TimeProvider clock)
    {
        RuleFor(c => c.Name).PersonName();
        RuleForEach(c => c.Scopes).Must(Scopes.All.Contains)
            .WithErrorCode("scope.unknown").WithMessage($"A scope is one of: {string.Join(", ", Scopes.All)}.");
        RuleFor(c => c.Models).KeyModels();
        RuleFor(c => c.Networks).KeyNetworks();
        RuleFor(c => c.Budget).KeyBudget();
        RuleFor(c => c.ExpiresAt).Must(end => end is null || end > clock.GetUtcNow()).WithMessage("This time has passed.");
    }
}

public static class CreateApiKeyEndpoint
{
    [WolverinePost("/api/v1/auth/api-keys", OperationId = "createApiKey"), Authorize]
    [EndpointSummary("Make an API key"), Tags("API keys"), ProducesResponseType<ProblemDetails>(403)]
    public static async Task<(Created<CreatedApiKey>, OutgoingMessages)> Post(
        CreateApiKey command, IDocumentSession session, SubjectVault vault, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        ApiKey.RefuseKey(currentUser);
        IReadOnlyList<string> scopes = command.Scopes is { Count: > 0 } wanted ? [.. wanted.Distinct()] : [Scopes.Inference];
        if (!currentUser.IsAdministrator && (scopes.Contains(Scopes.Admin) || scopes.Contains(Scopes.Everything)))
        {
            throw new Refusal(new Error(403, "scope.not_allowed", "Only administrators make keys that administer.", "scopes"));
        }

        var text = ApiKeyText.Create();
        var id = Guid.CreateVersion7(now);
        var name = command.Name.Trim();
        var created = new ApiKeyCreated(
            id,
            currentUser.Id,
            text.Prefix,
            Secret.Hash(text.Secret),
            await vault.SealAsync(currentUser.Id, name, cancellation),
            scopes,
            command.Models ?? [],
            command.ExpiresAt,
            now)
        {
            Networks = command.Networks ?? [],
            Budget = command.Budget is { IsEmpty: false } budget ? budget : null,
        };
        session.Events.StartStream<ApiKey>(id, created);
        var answer = new CreatedApiKey(id, text.ToString(), name, text.Prefix, scopes, created.Models, created.Networks, created.Budget, created.ExpiresAt, now);
        return (TypedResults.Created($"/api/v1/auth/api-keys/{id}", answer), [Act.Of(currentUser.Id, "auth.api_key_created", Act.ApiKey(id), now)]);
    }
}
