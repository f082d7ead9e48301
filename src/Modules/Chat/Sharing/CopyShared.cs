using LlmPlatform.Chat.Contracts;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Chat.Sharing;

/// <summary>A conversation that was made of a shared one.</summary>
public sealed record CopiedConversation(Guid Id, string? Title, string Model, long Version);

public static class CopySharedEndpoint
{
    [WolverinePost("/api/v1/chat/shared/{tokenOrId}/copy", OperationId = "copyShared"), Authorize]
    [EndpointSummary("Make a shared conversation one of your own, and go on with it"), Tags("Sharing")]
    [ProducesResponseType<ProblemDetails>(403), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(Created<CopiedConversation>, OutgoingMessages)> Post(
        string tokenOrId, IDocumentSession session, SharedReader reader, SubjectVault vault, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var shared = await reader.ReadAsync(session, tokenOrId, currentUser, now, cancellation);
        if (shared.Share.Allow != ShareRight.Copy)
        {
            throw new Refusal(new Error(403, "share.read_only", "This conversation is shared for reading only."));
        }

        var (id, me) = (Guid.CreateVersion7(now), currentUser.Id);
        List<object> events =
        [
            new ConversationStarted(
                id, me, shared.Head.Model, await vault.SealOrNullAsync(me, shared.Title, cancellation), await vault.SealOrNullAsync(me, shared.SystemPrompt, cancellation), new ChatSettings(), now)
            {
                Origin = shared.Share.Target,
            },
        ];
        Guid? parent = null;
        foreach (var (message, body) in shared.Messages)
        {
            // What the share shows, and the files that a reply may be about; what a model thought or was told by tools stays its owner's.
            var shown = new MessageBody([new MessagePart(PartKind.Text, body.Text)]) { Attachments = body.Attachments };
            var copy = new MessageAdded(Guid.CreateVersion7(now), parent, message.Role, await vault.SealBodyAsync(me, shown, cancellation), message.At) { Model = message.Model };
            events.Add(copy);
            parent = copy.MessageId;
        }

        session.Events.StartStream(id, events);
        var answer = new CopiedConversation(id, shared.Title, shared.Head.Model, events.Count);
        return (TypedResults.Created($"/api/v1/chat/conversations/{id}", answer), [new ConversationChanged(me, id, answer.Version, "created", null, now)]);
    }
}
