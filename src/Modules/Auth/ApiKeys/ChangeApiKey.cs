using FluentValidation;
using LlmPlatform.Auth.Contracts;
using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.ApiKeys;

/// <summary>Changes a key. What is left out stays as it is; an empty list or budget lifts that limit.</summary>
public sealed record ChangeApiKey(
    string? Name = null, IReadOnlyList<string>? Models = null, IReadOnlyList<string>? Networks = null, QuotaAmounts? Budget = null);

internal sealed class ChangeApiKeyValidator : AbstractValidator<ChangeApiKey>
{
    public ChangeApiKeyValidator()
    {
        RuleFor(c => c.Name).PersonName();
        RuleFor(c => c.Models).KeyModels();
        RuleFor(c => c.Networks).KeyNetworks();
        RuleFor(c => c.Budget).KeyBudget();
    }
}

public static class ChangeApiKeyEndpoint
{
    [WolverinePatch("/api/v1/auth/api-keys/{id}", OperationId = "changeApiKey"), Authorize]
    [EndpointSummary("Change an API key's name and limits"), Tags("API keys"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(ApiKeyEntry, OutgoingMessages)> Patch(
        Guid id, ChangeApiKey command, IDocumentSession session, SubjectVault vault, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        ApiKey.RefuseKey(currentUser);
        var stream = await session.Events.FetchForWriting<ApiKey>(id, cancellation);
        var key = stream.Aggregate.Of(currentUser);
        var changed = new ApiKeyChanged(
            id,
            command.Name is { } name ? await vault.SealAsync(key.UserId, name.Trim(), cancellation) : key.SealedName,
            command.Models ?? key.Models,
            command.Networks ?? key.Networks,
            command.Budget is null ? key.Budget : command.Budget.IsEmpty ? null : command.Budget,
            now);
        stream.AppendOne(changed);
        return (await ApiKeyEntry.OpenAsync(key.Apply(changed), null, vault, cancellation), [Act.Of(currentUser.Id, "auth.api_key_changed", Act.ApiKey(id), now)]);
    }

    /// <summary>The key, if it still counts and is the caller's own.</summary>
    internal static ApiKey Of(this ApiKey? key, CurrentUser owner) => key is { RevokedAt: null } && key.UserId == owner.Id ? key : throw ApiKey.NotFound();
}
