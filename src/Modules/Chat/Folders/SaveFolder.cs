using FluentValidation;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;

namespace LlmPlatform.Chat.Folders;

/// <summary>Makes a folder, or gives one another name.</summary>
public sealed record SaveFolder(string Name);

internal sealed class SaveFolderValidator : AbstractValidator<SaveFolder>
{
    public SaveFolderValidator() => RuleFor(c => c.Name).Must(name => Validating.IsName(name, FolderRules.LongestName)).WithMessage($"A folder's name is one line of 1 to {FolderRules.LongestName} characters.");
}

public static class SaveFolderEndpoint
{
    [WolverinePost("/api/v1/chat/folders", OperationId = "createFolder"), Authorize]
    [EndpointSummary("Make a folder"), Tags("Folders")]
    public static async Task<Created<FolderView>> Post(
        SaveFolder command, IDocumentSession session, SubjectVault vault, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var owner = currentUser.Id;
        if (await session.Query<Folder>().CountAsync(f => f.OwnerId == owner, cancellation) >= FolderRules.MostFolders)
        {
            throw FolderRules.TooMany();
        }

        var folder = new Folder { Id = Guid.CreateVersion7(now), OwnerId = owner, SealedName = await vault.SealAsync(owner, command.Name.Trim(), cancellation), CreatedAt = now };
        session.Insert(folder);
        return TypedResults.Created($"/api/v1/chat/folders/{folder.Id}", new FolderView(folder.Id, command.Name.Trim(), now));
    }

    [WolverinePatch("/api/v1/chat/folders/{folderId}", OperationId = "renameFolder"), Authorize]
    [EndpointSummary("Rename a folder"), Tags("Folders"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<FolderView> Patch(
        Guid folderId, SaveFolder command, IDocumentSession session, SubjectVault vault, CurrentUser currentUser, CancellationToken cancellation)
    {
        var folder = await session.FolderAsync(folderId, currentUser.Id, cancellation);
        session.Store(folder with { SealedName = await vault.SealAsync(currentUser.Id, command.Name.Trim(), cancellation) });
        return new FolderView(folder.Id, command.Name.Trim(), folder.CreatedAt);
    }
}
