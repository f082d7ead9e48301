using LlmPlatform.Auth.Contracts;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.SharedKernel;
using Marten;

namespace LlmPlatform.Chat.Sharing;

/// <summary>What a share shows, opened.</summary>
/// <param name="Share">The share.</param>
/// <param name="Owner">The name of whose it is.</param>
/// <param name="Head">The conversation as it was.</param>
/// <param name="Title">Its title.</param>
/// <param name="SystemPrompt">Only where the share includes it.</param>
/// <param name="Messages">Those of the branch that have been written to their end, or stopped.</param>
internal sealed record SharedBranch(Share Share, string Owner, Conversation Head, string? Title, string? SystemPrompt, IReadOnlyList<(Message Message, MessageBody Body)> Messages);

/// <summary>Reads what others may see. Every reason why they may not gives the same answer.</summary>
public sealed class SharedReader(SubjectVault vault, IUserDirectory users)
{
    /// <exception cref="Refusal"><c>share.not_found</c></exception>
    internal async Task<SharedBranch> ReadAsync(IQuerySession session, string tokenOrId, CurrentUser reader, DateTimeOffset now, CancellationToken cancellation)
    {
        var share = await FindAsync(session, tokenOrId, reader, cancellation) is { } found && !found.IsOver(now) ? found : throw Share.NotFound();
        var owner = await users.FindAsync(share.OwnerId, cancellation) ?? throw Share.NotFound();
        if (await session.LoadAsync<Conversation>(share.ConversationId, cancellation) is not { BinnedAt: null })
        {
            throw Share.NotFound();
        }

        var events = await session.Events.FetchStreamAsync(share.ConversationId, share.Version, token: cancellation);
        var tree = ConversationTree.Replay(events.Select(e => e.Data)) ?? throw Share.NotFound();
        var messages = new List<(Message, MessageBody)>();
        foreach (var message in tree.BranchTo(share.LeafId).Where(message => message.SealedBody is not null))
        {
            messages.Add((message, await vault.OpenBodyAsync(share.OwnerId, message, cancellation)));
        }

        return new SharedBranch(
            share,
            owner.Name,
            tree.Head,
            await vault.OpenOrNullAsync(share.OwnerId, tree.Head.SealedTitle, cancellation),
            share.IncludesSystemPrompt ? await vault.OpenOrNullAsync(share.OwnerId, tree.Head.SealedSystemPrompt, cancellation) : null,
            messages);
    }

    private static async Task<Share?> FindAsync(IQuerySession session, string tokenOrId, CurrentUser reader, CancellationToken cancellation)
    {
        if (Guid.TryParse(tokenOrId, out var id))
        {
            return await session.LoadAsync<Share>(id, cancellation) is { } share && (share.OwnerId == reader.Id || share.Names(reader)) ? share : null;
        }

        var hash = Share.HashOf(tokenOrId);
        return tokenOrId.Length == Secret.Length ? await session.Query<Share>().FirstOrDefaultAsync(share => share.TokenHash == hash, cancellation) : null;
    }
}
