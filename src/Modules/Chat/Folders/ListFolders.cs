using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Wolverine.Http;

namespace LlmPlatform.Chat.Folders;

public static class ListFoldersEndpoint
{
    [WolverineGet("/api/v1/chat/folders", OperationId = "listFolders"), Authorize]
    [EndpointSummary("List your folders, by name"), Tags("Folders")]
    public static async Task<Page<FolderView>> Get(IQuerySession session, SubjectVault vault, CurrentUser currentUser, CancellationToken cancellation)
    {
        var owner = currentUser.Id;
        var folders = new List<FolderView>();
        foreach (var folder in await session.Query<Folder>().Where(f => f.OwnerId == owner).ToListAsync(cancellation))
        {
            folders.Add(new FolderView(folder.Id, await vault.OpenAsync(owner, folder.SealedName, cancellation) ?? "", folder.CreatedAt));
        }

        return new Page<FolderView>([.. folders.OrderBy(f => f.Name, StringComparer.CurrentCultureIgnoreCase)], null);
    }
}
