using FluentValidation;
using LlmPlatform.Auth.Contracts;
using LlmPlatform.Auth.Groups;
using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.Quotas;

/// <summary>Says how much may be used; what is left out is not limited. What was used before the change counts.</summary>
public sealed record SetQuota(long? TokensPerDay = null, long? TokensPerMonth = null, long? RequestsPerDay = null, long? RequestsPerMonth = null)
{
    internal QuotaAmounts Amounts => new(TokensPerDay, TokensPerMonth, RequestsPerDay, RequestsPerMonth);
}

internal sealed class SetQuotaValidator : AbstractValidator<SetQuota>
{
    public SetQuotaValidator()
    {
        RuleFor(c => c.TokensPerDay).QuotaAmount();
        RuleFor(c => c.TokensPerMonth).QuotaAmount();
        RuleFor(c => c.RequestsPerDay).QuotaAmount();
        RuleFor(c => c.RequestsPerMonth).QuotaAmount();
        RuleFor(c => c).Must(c => !c.Amounts.IsEmpty).WithErrorCode("quota.empty").WithMessage("Set one limit at least; delete the quota to lift them all.");
    }
}

internal sealed class QuotaAmountsValidator : AbstractValidator<QuotaAmounts>
{
    public QuotaAmountsValidator()
    {
        RuleFor(a => a.TokensPerDay).QuotaAmount();
        RuleFor(a => a.TokensPerMonth).QuotaAmount();
        RuleFor(a => a.RequestsPerDay).QuotaAmount();
        RuleFor(a => a.RequestsPerMonth).QuotaAmount();
    }
}

internal static class QuotaRules
{
    // Far more than anybody uses, and sums of it still fit into 64 bits.
    private const long Most = 1_000_000_000_000_000;

    public static IRuleBuilderOptions<T, long?> QuotaAmount<T>(this IRuleBuilder<T, long?> rule) => rule.InclusiveBetween(0, Most);
}

public static class SetQuotaEndpoint
{
    [WolverinePut("/api/v1/auth/quotas/{scope}", OperationId = "setQuota"), Authorize(Permissions.Quotas)]
    [EndpointSummary("Limit what a user, a group, each user or a model may use"), Tags("Quotas"), ProducesResponseType<ProblemDetails>(404), ProducesResponseType<ProblemDetails>(422)]
    public static async Task<(QuotaDetails, OutgoingMessages)> Put(
        string scope, SetQuota command, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var id = Quota.Scope(scope)
            ?? throw new Refusal(new Error(422, "quota.scope_invalid", "A scope is user:{id}, group:{key}, model:{name} or each-user.", "scope"));
        await RefuseUnknownAsync(session, id, cancellation);
        var quota = new Quota { Id = id, Amounts = command.Amounts, ChangedAt = now };
        session.Store(quota);
        return (QuotaDetails.Of(quota), [Act.Of(currentUser.Id, "auth.quota_set", Act.Quota(id), now)]);
    }

    // A quota for somebody who is not there limits nobody, which whoever typed the wrong id would learn too late.
    private static async Task RefuseUnknownAsync(IDocumentSession session, string scope, CancellationToken cancellation)
    {
        if (scope.StartsWith("user:", StringComparison.Ordinal) && await session.LoadAsync<User>(Guid.Parse(scope["user:".Length..]), cancellation) is null)
        {
            throw Refusal.NotFound("user.not_found", "There is no such user.");
        }

        if (scope.StartsWith("group:", StringComparison.Ordinal) && await session.LoadAsync<Group>(scope["group:".Length..], cancellation) is null)
        {
            throw Group.NotFound();
        }
    }
}

public static class DeleteQuotaEndpoint
{
    [WolverineDelete("/api/v1/auth/quotas/{scope}", OperationId = "deleteQuota"), Authorize(Permissions.Quotas)]
    [EndpointSummary("Lift the limits that are set there"), Tags("Quotas"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(Microsoft.AspNetCore.Http.HttpResults.NoContent, OutgoingMessages)> Delete(
        string scope, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var quota = await session.LoadAsync<Quota>(Quota.Scope(scope) ?? "", cancellation) ?? throw Quota.NotFound();
        session.Delete(quota);
        return (TypedResults.NoContent(), [Act.Of(currentUser.Id, "auth.quota_deleted", Act.Quota(quota.Id), now)]);
    }
}

public static class ListQuotasEndpoint
{
    [WolverineGet("/api/v1/auth/quotas", OperationId = "listQuotas"), Authorize(Permissions.Quotas)]
    [EndpointSummary("List the quotas"), Tags("Quotas"), ProducesResponseType<ProblemDetails>(400)]
    public static async Task<Page<QuotaDetails>> Get(string? cursor, int? limit, IQuerySession session, CancellationToken cancellation)
    {
        var size = Page.Limit(limit);
        IQueryable<Quota> quotas = session.Query<Quota>();
        if (Page.Key(cursor) is { } after)
        {
            quotas = quotas.Where(q => q.Id.CompareTo(after) > 0);
        }

        var page = Page.Of(await quotas.OrderBy(q => q.Id).Take(size + 1).ToListAsync(cancellation), size, q => q.Id);
        return new Page<QuotaDetails>([.. page.Items.Select(QuotaDetails.Of)], page.NextCursor);
    }
}
