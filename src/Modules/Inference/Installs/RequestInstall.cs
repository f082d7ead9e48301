using FluentValidation;
using LlmPlatform.Admin.Contracts;
using LlmPlatform.Inference.Models;
using LlmPlatform.Inference.Names;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Inference.Installs;

/// <summary>
/// Installs a model from the hub (<c>hf://</c>), a web server, Ollama's registry (<c>ollama://</c>) or a file of this machine. Without a name, the
/// source's own serves. The source <c>upload:</c> waits for its bytes: they are sent to <c>…/{id}/content</c>, and name and size have to be given.
/// </summary>
public sealed record RequestInstall(string Source, string? Name = null, string? Sha256 = null, long? SizeBytes = null);

public sealed class RequestInstallValidator : AbstractValidator<RequestInstall>
{
    public RequestInstallValidator()
    {
        RuleFor(c => c.Source).NotEmpty().MaximumLength(4096);
        RuleFor(c => c.Name).Must(name => name is null || Model.IsName(name))
            .WithErrorCode("model.name_invalid").WithMessage(Model.NameRule);
        RuleFor(c => c.Sha256).Must(hash => hash is null || (hash.Length == 64 && hash.All(char.IsAsciiHexDigit)))
            .WithErrorCode("model.hash_invalid").WithMessage("A SHA-256 has 64 hexadecimal digits.");
        RuleFor(c => c.Name).NotNull().When(c => c.Source == InstallSources.Upload).WithMessage("An upload needs a name.");
        RuleFor(c => c.SizeBytes).NotNull().GreaterThan(0).When(c => c.Source == InstallSources.Upload).WithMessage("An upload needs the size of its file.");
        RuleFor(c => c.SizeBytes).Null().When(c => c.Source != InstallSources.Upload).WithMessage("Only an upload has a size from the start.");
    }
}

public static class RequestInstallEndpoint
{
    [WolverinePost("/api/v1/inference/installs", OperationId = "requestInstall"), Authorize(Permissions.Models)]
    [EndpointSummary("Install a model"), Tags("Installs")]
    [ProducesResponseType<ProblemDetails>(409), ProducesResponseType<ProblemDetails>(422), ProducesResponseType<ProblemDetails>(507)]
    public static async Task<(Accepted<InstallDetails>, OutgoingMessages)> Post(
        RequestInstall command, IDocumentSession session, InstallSources sources, ModelFiles files, InstallOverview overview, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var isUpload = command.Source == InstallSources.Upload;
        if (command.SizeBytes > files.RoomBytes())
        {
            throw new Refusal(new Error(507, "disk.insufficient", "The file does not fit where models lie.", "sizeBytes"));
        }

        var source = isUpload ? command.Source : sources.Check(command.Source);
        var (install, messages) = await InstallRequests.StartAsync(session, Guid.CreateVersion7(now), command with { Source = source }, currentUser.Id, now, cancellation);
        return (TypedResults.Accepted($"/api/v1/inference/installs/{install.Id}", overview.Of(install)), messages);
    }
}

internal static class InstallRequests
{
    /// <summary>Takes the name and writes the install down.</summary>
    public static async Task<(Install Install, OutgoingMessages Messages)> StartAsync(
        IDocumentSession session, Guid id, RequestInstall command, Guid by, DateTimeOffset now, CancellationToken cancellation)
    {
        var name = command.Name ?? InstallSources.NameOf(command.Source);
        await session.LockAsync(ModelName.Lock, cancellation);
        if (await session.LoadAsync<ModelName>(name, cancellation) is not null)
        {
            throw NameRefusals.Taken(name);
        }

        var requested = new InstallRequested(id, name, command.Source, command.Sha256?.ToLowerInvariant(), by, now) { SizeBytes = command.SizeBytes };
        var install = Install.Create(requested);
        session.Insert(new ModelName { Id = name, InstallId = id, CreatedAt = now });
        var audit = new ActPerformed(id, by, "inference.install_requested", $"model:{name}", now);
        if (InstallSources.Locate(id, command.Source, requested.Sha256, command.SizeBytes) is not { } location)
        {
            session.Events.StartStream<Install>(id, requested);
            return (install, [new LocateInstall(id), audit]);
        }

        var located = new InstallLocated(id, location, now);
        session.Events.StartStream<Install>(id, requested, located);
        OutgoingMessages messages = [audit];
        if (!install.IsUpload)
        {
            messages.Add(new RunInstall(id)); // an upload starts it with its last byte
        }

        return (install.Apply(located), messages);
    }
}
