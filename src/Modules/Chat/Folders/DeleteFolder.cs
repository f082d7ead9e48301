using LlmPlatform.Chat.Contracts;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Chat.Folders;

public static class DeleteFolderEndpoint
{
    [WolverineDelete("/api/v1/chat/folders/{folderId}", OperationId = "deleteFolder"), Authorize, EmptyResponse]
    [EndpointSummary("Delete a folder; its conversations stay, in no folder"), Tags("Folders"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<OutgoingMessages> Delete(Guid folderId, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var folder = await session.FolderAsync(folderId, currentUser.Id, cancellation);
        session.Delete(folder);
        var news = new OutgoingMessages();
        // In the order of their ids, so that two who take several wait for each other and never both for ever.
        foreach (var id in await session.Query<Conversation>().Where(c => c.OwnerId == folder.OwnerId && c.FolderId == folderId).OrderBy(c => c.Id).Select(c => c.Id).ToListAsync(cancellation))
        {
            var conversation = await session.TakeConversationAsync(id, currentUser.Id, cancellation);
            if (conversation.FolderId == folderId)
            {
                var after = session.Append(conversation, new ConversationFiled(conversation.IsPinned, conversation.IsArchived, null, conversation.Tags, conversation.SealedTags, now));
                news.Add(new ConversationChanged(currentUser.Id, id, after.Version, "changed", null, now));
            }
        }

        return news;
    }
}
