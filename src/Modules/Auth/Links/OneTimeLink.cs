using LlmPlatform.SharedKernel;
using Marten;

namespace LlmPlatform.Auth.Links;

/// <summary>What a link lets its holder do.</summary>
public enum LinkPurpose
{
    /// <summary>Register by an invitation.</summary>
    Invitation,

    /// <summary>Confirm the address that somebody signed up with.</summary>
    SignUp,

    /// <summary>Set another password.</summary>
    PasswordReset,

    /// <summary>Confirm a new address.</summary>
    EmailChange,
}

/// <summary>A link that works once, for somebody who need not be signed in. The id is the hash of its token, so that what is stored opens nothing.</summary>
/// <param name="Id">SHA-256 of the token, hexadecimal.</param>
/// <param name="Purpose">What it is for.</param>
/// <param name="UserId">The person it is about; of invitations and sign-ups, the person to be.</param>
/// <param name="ExpiresAt">When it ends by itself.</param>
/// <param name="SealedContent">What its use will make true, sealed; null where the purpose says it all.</param>
public sealed record OneTimeLink(string Id, LinkPurpose Purpose, Guid UserId, DateTimeOffset ExpiresAt, string? SealedContent);

/// <summary>Gives out such links and takes them back.</summary>
public sealed class OneTimeLinks(PublicAddress address)
{
    /// <summary>The page that asks for what the purpose needs and sends it. The token is in the fragment, which browsers send to nobody.</summary>
    public const string Page = "/sign-in/link";

    /// <summary>Makes a link in the unit of work; earlier ones of the same purpose and person end.</summary>
    public string Issue(IDocumentSession session, LinkPurpose purpose, Guid userId, DateTimeOffset expiresAt, DateTimeOffset now, string? sealedContent = null)
    {
        var until = now.ToUniversalTime();
        session.DeleteWhere<OneTimeLink>(l => l.ExpiresAt < until || (l.UserId == userId && l.Purpose == purpose));
        var token = Secret.Create();
        session.Insert(new OneTimeLink(IdOf(token), purpose, userId, expiresAt.ToUniversalTime(), sealedContent));
        return address.Of($"{Page}#{NameOf(purpose)}={token}");
    }

    /// <summary>Uses a link up, in the transaction that does what it is for: if that fails, the link is as good as before.</summary>
    /// <exception cref="Refusal"><c>link.invalid</c></exception>
    public static async Task<OneTimeLink> UseAsync(
        IDocumentSession session, LinkPurpose purpose, string token, DateTimeOffset now, CancellationToken cancellation)
    {
        var id = IdOf(token);
        await session.LockAsync($"auth:link:{id}", cancellation);
        if (await session.LoadAsync<OneTimeLink>(id, cancellation) is not { } link || link.Purpose != purpose || link.ExpiresAt <= now)
        {
            throw Invalid();
        }

        session.Delete(link);
        return link;
    }

    /// <summary>Ends every link of a person.</summary>
    public static void EndAll(IDocumentSession session, Guid userId) => session.DeleteWhere<OneTimeLink>(l => l.UserId == userId);

    internal static Refusal Invalid() => new(new Error(401, "link.invalid", "This link is not valid: it was used, has expired or was withdrawn.", "token"));

    private static string IdOf(string token) => Convert.ToHexStringLower(Secret.Hash(token));

    private static string NameOf(LinkPurpose purpose) => purpose switch
    {
        LinkPurpose.Invitation => "invitation",
        LinkPurpose.SignUp => "sign-up",
        LinkPurpose.PasswordReset => "password-reset",
        _ => "email",
    };
}
