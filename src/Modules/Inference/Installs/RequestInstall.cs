using FluentValidation;
using LlmPlatform.Admin.Contracts;
using LlmPlatform.Inference.Models;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Inference.Installs;

/// <summary>Installs a model from a file or an address. Without a name, the file's name serves.</summary>
public sealed record RequestInstall(string Source, string? Name = null, string? Sha256 = null);

internal sealed class RequestInstallValidator : AbstractValidator<RequestInstall>
{
    public RequestInstallValidator()
    {
        RuleFor(c => c.Source).NotEmpty().MaximumLength(4096);
        RuleFor(c => c.Name).Must(name => name is null || Model.IsName(name))
            .WithErrorCode("model.name_invalid").WithMessage("A model name has 1 to 64 of a-z, 0-9, '.', '_' and '-', and may end with a ':' and a tag.");
        RuleFor(c => c.Sha256).Must(hash => hash is null || (hash.Length == 64 && hash.All(char.IsAsciiHexDigit)))
            .WithErrorCode("model.hash_invalid").WithMessage("A SHA-256 has 64 hexadecimal digits.");
    }
}

public static class RequestInstallEndpoint
{
    [WolverinePost("/api/v1/inference/installs", OperationId = "requestInstall"), Authorize(Policies.Administrator)]
    [EndpointSummary("Install a model"), Tags("Installs"), ProducesResponseType<ProblemDetails>(409), ProducesResponseType<ProblemDetails>(422)]
    public static async Task<(Accepted<InstallDetails>, OutgoingMessages)> Post(
        RequestInstall command, IDocumentSession session, InstallSources sources, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var source = sources.Check(command.Source);
        var name = command.Name ?? InstallSources.NameOf(source);
        await session.LockAsync($"model-name:{name}", cancellation);
        if (await session.LoadAsync<ModelName>(name, cancellation) is not null)
        {
            throw new Refusal(new Error(409, "model.name_taken", $"There is a model called '{name}' already, or one is being installed.", "name"));
        }

        var id = Guid.CreateVersion7(now);
        var requested = new InstallRequested(id, name, source.ToString(), command.Sha256?.ToLowerInvariant(), currentUser.Id, now);
        session.Insert(new ModelName { Id = name, InstallId = id });
        session.Events.StartStream<Install>(id, requested);
        return (TypedResults.Accepted($"/api/v1/inference/installs/{id}", InstallDetails.Of(Install.Create(requested), null)),
            [new RunInstall(id), new ActPerformed(id, currentUser.Id, "inference.install_requested", $"model:{name}", now)]);
    }
}
