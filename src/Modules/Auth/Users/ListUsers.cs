using System.Buffers.Text;
using LlmPlatform.SharedKernel;
using Marten;
using Marten.Linq.MatchesSql;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;

namespace LlmPlatform.Auth.Users;

public static class ListUsersEndpoint
{
    private const int PageSize = 50;
    private const int LargestPage = 100;

    [WolverineGet("/api/v1/auth/users", OperationId = "listUsers"), Authorize(Policies.Administrator)]
    [EndpointSummary("List the users, oldest first"), Tags("Users"), ProducesResponseType<ProblemDetails>(400)]
    public static async Task<Page<UserProfile>> Get(
        string? cursor, int? limit, IQuerySession session, SubjectVault vault, CancellationToken cancellation)
    {
        var size = limit ?? PageSize;
        if (size is < 1 or > LargestPage)
        {
            throw Refusal.BadParam("limit", $"A page has 1 to {LargestPage} items.");
        }

        var after = cursor is null ? Guid.Empty : Read(cursor);
        var users = await session.Query<User>().Where(u => u.MatchesSql("d.id > ?", after)).OrderBy(u => u.Id).Take(size + 1).ToListAsync(cancellation);
        var profiles = new List<UserProfile>(size);
        foreach (var user in users.Take(size))
        {
            profiles.Add(await UserProfile.OpenAsync(user, vault, cancellation));
        }

        return new Page<UserProfile>(profiles, users.Count > size ? Write(profiles[^1].Id) : null);
    }

    private static string Write(Guid last) => Base64Url.EncodeToString(last.ToByteArray(bigEndian: true));

    private static Guid Read(string cursor)
    {
        Span<byte> id = stackalloc byte[16];
        return cursor.Length <= 24 && Base64Url.IsValid(cursor, out var length) && length == 16 && Base64Url.TryDecodeFromChars(cursor, id, out _)
            ? new Guid(id, bigEndian: true)
            : throw Refusal.BadParam("cursor", "This cursor does not come from this list.", "cursor.invalid");
    }
}
