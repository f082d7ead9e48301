using FluentValidation;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.ApiKeys;

/// <summary>Gives a key a new secret. The old one works for some minutes more, so that programs can be changed over one by one.</summary>
public sealed record RotateApiKey(int GraceMinutes = 60);

/// <summary>The key with its new secret, shown this once.</summary>
public sealed record RotatedApiKey(Guid Id, string Key, string Prefix, DateTimeOffset OldSecretUntil);

internal sealed class RotateApiKeyValidator : AbstractValidator<RotateApiKey>
{
    private const int OneWeek = 7 * 24 * 60;

    public RotateApiKeyValidator() => RuleFor(c => c.GraceMinutes).InclusiveBetween(0, OneWeek);
}

public static class RotateApiKeyEndpoint
{
    [WolverinePost("/api/v1/auth/api-keys/{id}/rotate", OperationId = "rotateApiKey"), Authorize]
    [EndpointSummary("Give an API key a new secret"), Tags("API keys"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(RotatedApiKey, OutgoingMessages)> Post(
        Guid id, RotateApiKey command, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        ApiKey.RefuseKey(currentUser);
        var stream = await session.Events.FetchForWriting<ApiKey>(id, cancellation);
        var text = ApiKeyText.Create() with { Prefix = stream.Aggregate.Of(currentUser).Prefix };
        var until = now.AddMinutes(command.GraceMinutes);
        stream.AppendOne(new ApiKeyRotated(id, Secret.Hash(text.Secret), until, now));
        return (new RotatedApiKey(id, text.ToString(), text.Prefix, until), [Act.Of(currentUser.Id, "auth.api_key_rotated", Act.ApiKey(id), now)]);
    }
}
