using LlmPlatform.SharedKernel;

namespace LlmPlatform.Auth.Invitations;

/// <summary>Somebody who is asked to join. The id is the one that the person will have, so what is personal is sealed with the person's key already.</summary>
public sealed record Invitation
{
    public Guid Id { get; init; }

    public required string SealedEmail { get; init; }

    /// <summary>Blind index of the address: another invitation of the same address takes this one's place.</summary>
    public required string EmailIndex { get; init; }

    public required string Role { get; init; }

    /// <summary>Keys of groups that the person will be in; one that is gone by then is left out.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    public required Guid By { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    internal const string NotFoundCode = "invitation.not_found";

    internal static readonly TimeSpan Lifetime = TimeSpan.FromDays(7);
}

/// <summary>An invitation that is open.</summary>
public sealed record InvitationDetails(Guid Id, string Email, string Role, IReadOnlyList<string> Groups, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt)
{
    internal static async ValueTask<InvitationDetails> OpenAsync(Invitation invitation, SubjectVault vault, CancellationToken cancellation) => new(
        invitation.Id,
        await vault.OpenAsync(invitation.Id, invitation.SealedEmail, cancellation) ?? "",
        invitation.Role,
        invitation.Groups,
        invitation.CreatedAt,
        invitation.ExpiresAt);
}
