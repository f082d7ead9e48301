using FluentValidation;
using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.Groups;

/// <summary>Makes a group, or changes one. Permissions that are left out stay as they are.</summary>
public sealed record SaveGroup(string Title, IReadOnlyList<string>? Permissions = null);

internal sealed class SaveGroupValidator : AbstractValidator<SaveGroup>
{
    public SaveGroupValidator()
    {
        RuleFor(c => c.Title).Must(title => UserRules.IsLine(title, 200)).WithErrorCode("group.title_invalid").WithMessage("A title is one line of 1 to 200 characters.");
        RuleForEach(c => c.Permissions).Must(Permissions.All.Contains)
            .WithErrorCode("permission.unknown").WithMessage($"A permission is one of: {string.Join(", ", Permissions.All)}.");
    }
}

public static class SaveGroupEndpoint
{
    [WolverinePut("/api/v1/auth/groups/{key}", OperationId = "saveGroup"), Authorize(Policies.Administrator)]
    [EndpointSummary("Make a group, or change one"), Tags("Groups"), ProducesResponseType<ProblemDetails>(422)]
    public static async Task<(GroupDetails, OutgoingMessages)> Put(
        string key, SaveGroup command, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        if (!Group.IsKey(key))
        {
            throw new Refusal(new Error(422, "group.key_invalid", "A group's key has 1 to 64 of a-z, 0-9, '.', '_' and '-', and begins with a letter or digit.", "key"));
        }

        await session.LockAsync(Group.Lock, cancellation);
        var known = await session.LoadAsync<Group>(key, cancellation);
        var saved = new Group { Id = key, Title = command.Title.Trim(), Permissions = [.. (command.Permissions ?? known?.Permissions ?? []).Distinct()], CreatedAt = known?.CreatedAt ?? now };
        session.Store(saved);
        return (await GroupDetails.OfAsync(saved, session, cancellation), [Act.Of(currentUser.Id, "auth.group_saved", Act.Group(key), now)]);
    }
}

public static class ListGroupsEndpoint
{
    [WolverineGet("/api/v1/auth/groups", OperationId = "listGroups"), Authorize(Policies.Administrator)]
    [EndpointSummary("List the groups"), Tags("Groups"), ProducesResponseType<ProblemDetails>(400)]
    public static async Task<Page<GroupDetails>> Get(string? cursor, int? limit, IQuerySession session, CancellationToken cancellation)
    {
        var size = Page.Limit(limit);
        IQueryable<Group> groups = session.Query<Group>();
        if (Page.Key(cursor) is { } after)
        {
            groups = groups.Where(g => g.Id.CompareTo(after) > 0);
        }

        var page = Page.Of(await groups.OrderBy(g => g.Id).Take(size + 1).ToListAsync(cancellation), size, g => g.Id);
        var details = new List<GroupDetails>(page.Items.Count);
        foreach (var group in page.Items)
        {
            details.Add(await GroupDetails.OfAsync(group, session, cancellation));
        }

        return new Page<GroupDetails>(details, page.NextCursor);
    }
}
