using FluentValidation;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;

namespace LlmPlatform.Chat.Tools;

/// <summary>Lets models call tools of a server in your name: those of these names, or with <c>["*"]</c> all that it has. It replaces what you consented to before.</summary>
public sealed record GiveConsent(IReadOnlyList<string> Tools);

internal sealed class GiveConsentValidator : AbstractValidator<GiveConsent>
{
    private const int LongestName = 256;

    public GiveConsentValidator() => RuleFor(c => c.Tools)
        .Must(tools => tools is { Count: > 0 and <= ToolList.Most } && tools.All(t => Validating.IsName(t, LongestName)))
        .WithErrorCode("tools.consent_invalid").WithMessage($"tools holds 1 to {ToolList.Most} names of tools, or * alone.")
        .Must(tools => tools is null || tools.Count == 1 || !tools.Contains(ToolConsent.Everything))
        .WithErrorCode("tools.consent_invalid").WithMessage("Beside * no other name is needed: say * alone, or the names alone.");
}

public static class GiveConsentEndpoint
{
    [WolverinePut("/api/v1/chat/tool-servers/{name}/consent", OperationId = "giveToolConsent"), Authorize]
    [EndpointSummary("Consent to tools of a server"), Tags("Tools"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<ConsentDetails> Put(
        string name, GiveConsent command, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        await session.LockAsync(ToolServer.Lock, cancellation);
        if (await session.LoadAsync<ToolServer>(name, cancellation) is not { } server || !server.IsFor(currentUser))
        {
            throw ToolServer.NotFound();
        }

        var consent = new ToolConsent { Id = ToolConsent.IdOf(currentUser.Id, name), UserId = currentUser.Id, Server = name, Tools = [.. command.Tools.Distinct()], At = now };
        session.Store(consent);
        return new ConsentDetails(consent.Tools, consent.At);
    }
}

public static class WithdrawConsentEndpoint
{
    [WolverineDelete("/api/v1/chat/tool-servers/{name}/consent", OperationId = "withdrawToolConsent"), Authorize]
    [EndpointSummary("Withdraw your consent to tools of a server"), Tags("Tools"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<NoContent> Delete(string name, IDocumentSession session, CurrentUser currentUser, CancellationToken cancellation)
    {
        // What somebody gave they can take back, even where the server is no longer theirs to use.
        if (await session.LoadAsync<ToolConsent>(ToolConsent.IdOf(currentUser.Id, name), cancellation) is { } consent)
        {
            session.Delete(consent);
        }
        else if (await session.LoadAsync<ToolServer>(name, cancellation) is not { } server || !server.IsFor(currentUser))
        {
            throw ToolServer.NotFound();
        }

        return TypedResults.NoContent();
    }
}
