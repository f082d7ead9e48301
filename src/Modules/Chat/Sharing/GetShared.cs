using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;

namespace LlmPlatform.Chat.Sharing;

/// <summary>A conversation that somebody shows to others, as it was when they decided to.</summary>
public sealed record SharedConversation(
    Guid Id,
    string? Title,
    string Model,
    string Owner,
    ShareRight Allow,
    string? SystemPrompt,
    DateTimeOffset SharedAt,
    DateTimeOffset? ExpiresAt,
    IReadOnlyList<SharedMessage> Messages);

/// <summary>A message of it.</summary>
/// <param name="Role"><c>user</c> or <c>assistant</c>.</param>
/// <param name="Content">Its text.</param>
/// <param name="Attachments">Names of the files that came with it.</param>
/// <param name="Model">The model that wrote it, where one did.</param>
/// <param name="At">When.</param>
public sealed record SharedMessage(string Role, string Content, IReadOnlyList<string> Attachments, string? Model, DateTimeOffset At);

public static class GetSharedEndpoint
{
    [WolverineGet("/api/v1/chat/shared/{tokenOrId}", OperationId = "getShared"), Authorize]
    [EndpointSummary("Show a conversation that somebody shares: by the token of a link, or by id where you are named"), Tags("Sharing"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<SharedConversation> Get(
        string tokenOrId, IDocumentSession session, SharedReader reader, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var shared = await reader.ReadAsync(session, tokenOrId, currentUser, now, cancellation);
        if (shared.Share.OwnerId != currentUser.Id)
        {
            ShareViews.Count(session, shared.Share);
        }

        return new SharedConversation(
            shared.Share.Id,
            shared.Title,
            shared.Head.Model,
            shared.Owner,
            shared.Share.Allow,
            shared.SystemPrompt,
            shared.Share.CreatedAt,
            shared.Share.ExpiresAt,
            [.. shared.Messages.Select(m => new SharedMessage(m.Message.Role, m.Body.Text, [.. m.Body.Attachments.Select(a => a.Name)], m.Message.Model, m.Message.At))]);
    }
}
