using FluentValidation;
using LlmPlatform.Admin.Contracts;
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

/// <summary>
/// Shows others the branch of a conversation that is shown now, as it is now. A share by link is for whoever is signed in and has the link; one with
/// people is for the users and groups that it names.
/// </summary>
public sealed record ShareConversation(
    ShareKind Kind,
    ShareRight Allow = ShareRight.Read,
    IReadOnlyList<Guid>? Users = null,
    IReadOnlyList<string>? Groups = null,
    DateTimeOffset? ExpiresAt = null,
    bool IncludeSystemPrompt = false);

/// <summary>A new share. The token of a link is shown this once.</summary>
public sealed record CreatedShare(Guid Id, ShareKind Kind, ShareRight Allow, string? Token, DateTimeOffset? ExpiresAt, DateTimeOffset CreatedAt);

internal sealed class ShareConversationValidator : AbstractValidator<ShareConversation>
{
    private const int MostNamed = 100;
    private const int LongestGroup = 64;

    public ShareConversationValidator(TimeProvider clock)
    {
        RuleFor(c => c.Kind).IsInEnum();
        RuleFor(c => c.Allow).IsInEnum();
        RuleFor(c => c.Users).Must(users => users is null || users.Count <= MostNamed).WithMessage($"A share names at most {MostNamed} users.");
        RuleFor(c => c.Groups).Must(groups => groups is null || (groups.Count <= MostNamed && groups.All(g => Validating.IsName(g, LongestGroup))))
            .WithMessage($"A share names at most {MostNamed} groups by their keys.");
        RuleFor(c => c.Kind).Must((c, kind) => kind == ShareKind.People == (c.Users is { Count: > 0 } || c.Groups is { Count: > 0 }))
            .WithErrorCode("share.people_invalid").WithMessage("A share with people names users or groups; one by link names nobody.");
        RuleFor(c => c.ExpiresAt).Must(end => end is null || end > clock.GetUtcNow()).WithMessage("This time has passed.");
    }
}

public static class ShareConversationEndpoint
{
    private const int MostShares = 100;

    [WolverinePost("/api/v1/chat/conversations/{conversationId}/shares", OperationId = "shareConversation"), Authorize]
    [EndpointSummary("Show a conversation to others, as it is now"), Tags("Sharing")]
    [ProducesResponseType<ProblemDetails>(404), ProducesResponseType<ProblemDetails>(409), ProducesResponseType<ProblemDetails>(422)]
    public static async Task<(Created<CreatedShare>, OutgoingMessages)> Post(
        Guid conversationId, ShareConversation command, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var conversation = await session.TakeConversationAsync(conversationId, currentUser.Id, cancellation);
        conversation.ExpectNotBinned();
        if (conversation.ActiveLeaf is not { } leaf)
        {
            throw new Refusal(new Error(409, "conversation.empty", "Nothing was said in this conversation yet."));
        }

        if (await session.Query<Share>().CountAsync(share => share.ConversationId == conversationId, cancellation) >= MostShares)
        {
            throw new Refusal(new Error(422, "share.too_many", $"A conversation has at most {MostShares} shares. End one first."));
        }

        var token = command.Kind == ShareKind.Link ? Secret.Create() : null;
        var share = new Share
        {
            Id = Guid.CreateVersion7(now),
            ConversationId = conversationId,
            OwnerId = currentUser.Id,
            Version = conversation.Version,
            LeafId = leaf,
            SealedTitle = conversation.SealedTitle,
            Kind = command.Kind,
            Allow = command.Allow,
            TokenHash = token is null ? null : Share.HashOf(token),
            Users = [.. (command.Users ?? []).Distinct()],
            Groups = [.. (command.Groups ?? []).Distinct()],
            IncludesSystemPrompt = command.IncludeSystemPrompt,
            ExpiresAt = command.ExpiresAt,
            CreatedAt = now,
        };
        session.Insert(share);
        var answer = new CreatedShare(share.Id, share.Kind, share.Allow, token, share.ExpiresAt, now);
        return (TypedResults.Created($"/api/v1/chat/shared/{share.Id}", answer), [new ActPerformed(Guid.CreateVersion7(now), currentUser.Id, "chat.shared", share.Target, now)]);
    }
}
