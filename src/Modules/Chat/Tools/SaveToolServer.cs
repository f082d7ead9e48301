using FluentValidation;
using LlmPlatform.Admin.Contracts;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Chat.Tools;

/// <summary>
/// Makes a tool server, or changes all of one whose version is the expected one. A token that is left out stays as it is, an empty one is taken away;
/// without groups the server is for everyone.
/// </summary>
public sealed record SaveToolServer(
    string Title,
    string Address,
    string? Token = null,
    bool Enabled = true,
    IReadOnlyList<string>? Groups = null,
    int? ExpectedVersion = null);

internal sealed class SaveToolServerValidator : AbstractValidator<SaveToolServer>
{
    private const int MostGroups = 100;

    public SaveToolServerValidator()
    {
        RuleFor(c => c.Title).Must(title => Validating.IsName(title, 200))
            .WithErrorCode("tools.title_invalid").WithMessage("A title is one line of 1 to 200 characters.");
        RuleFor(c => c.Address).Must(IsAddress)
            .WithErrorCode("tools.address_invalid").WithMessage("An address begins with http:// or https://, has 2000 characters at most, and holds neither a user name nor a password nor a fragment.");
        RuleFor(c => c.Token).Must(token => token is null || (token.Length <= 4096 && token.All(c => c is > ' ' and <= '~')))
            .WithErrorCode("tools.token_invalid").WithMessage("A token has at most 4096 characters, which are visible ASCII.");
        RuleFor(c => c.Groups).Must(groups => groups is null || (groups.Count <= MostGroups && groups.All(g => Validating.IsName(g, 64))))
            .WithErrorCode("tools.groups_invalid").WithMessage($"{MostGroups} groups at most, by their keys of 1 to 64 characters.");
    }

    private static bool IsAddress(string? address) =>
        address is { Length: > 0 and <= 2000 } && Uri.TryCreate(address, UriKind.Absolute, out var uri)
        && uri is { Scheme: "http" or "https", UserInfo: "", Fragment: "", Host.Length: > 0 };
}

public static class SaveToolServerEndpoint
{
    private const int MostServers = 64;

    [WolverinePut("/api/v1/chat/tool-servers/{name}", OperationId = "saveToolServer"), Authorize(Policies.Administrator)]
    [EndpointSummary("Make or change a tool server; another address ends all consents"), Tags("Tools")]
    [ProducesResponseType<ProblemDetails>(409), ProducesResponseType<ProblemDetails>(422)]
    public static async Task<(ToolServerDetails, OutgoingMessages)> Put(
        string name, SaveToolServer command, IDocumentSession session, MasterKey master, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        if (!ToolServer.IsName(name))
        {
            throw new Refusal(new Error(422, "tools.name_invalid", "The name of a tool server has 1 to 32 of a-z, 0-9 and '-'.", "name"));
        }

        await session.LockAsync(ToolServer.Lock, cancellation);
        var known = await session.LoadAsync<ToolServer>(name, cancellation);
        await CheckAsync(known, command, session, cancellation);
        if (known is not null && known.Address != command.Address)
        {
            session.DeleteWhere<ToolConsent>(c => c.Server == name); // people consented to another machine
        }

        var saved = new ToolServer
        {
            Id = name,
            Title = command.Title.Trim(),
            Address = command.Address,
            SealedToken = command.Token switch { null => known?.SealedToken, "" => null, var token => master.SealToken(token) },
            IsEnabled = command.Enabled,
            Rights = new ToolRights(command.Groups is null, [.. (command.Groups ?? []).Distinct()]),
            Version = (known?.Version ?? 0) + 1,
            CreatedAt = known?.CreatedAt ?? now,
            ChangedAt = now,
        };
        session.Store(saved);
        var consent = known?.Address == saved.Address ? await session.LoadAsync<ToolConsent>(ToolConsent.IdOf(currentUser.Id, name), cancellation) : null;
        return (ToolServerDetails.Of(saved, consent, isAdministrator: true), [new ActPerformed(Guid.CreateVersion7(now), currentUser.Id, "chat.tool_server_saved", $"tool-server:{name}", now)]);
    }

    private static async Task CheckAsync(ToolServer? known, SaveToolServer command, IDocumentSession session, CancellationToken cancellation)
    {
        if (known?.Version != command.ExpectedVersion)
        {
            throw new Refusal(new Error(409, "tools.version_conflict", known is null
                ? "There is no such tool server any more; leave expectedVersion out to make one."
                : $"The tool server is there with version {known.Version}; read it again and say so with expectedVersion."));
        }

        if (known is { SealedToken: not null } && known.Address != command.Address && command.Token is null)
        {
            throw new Refusal(new Error(422, "tools.token_missing", "The token belongs to the old address. Send the one for the new address, or an empty one.", "token"));
        }

        if (known is null && await session.Query<ToolServer>().CountAsync(cancellation) >= MostServers)
        {
            throw new Refusal(new Error(422, "tools.too_many_servers", $"There are {MostServers} tool servers at most."));
        }
    }
}
