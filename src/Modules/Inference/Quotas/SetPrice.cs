using FluentValidation;
using LlmPlatform.Admin.Contracts;
using LlmPlatform.Inference.Models;
using LlmPlatform.Inference.Names;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Inference.Quotas;

/// <summary>Sets what a model's tokens cost from now on. Without a price of its own a token from the cache costs as much as another one.</summary>
public sealed record SetPrice(string Currency, decimal PromptPerMillion, decimal CompletionPerMillion, decimal? CachedPerMillion = null);

internal sealed class SetPriceValidator : AbstractValidator<SetPrice>
{
    private const decimal Most = 1_000_000;

    public SetPriceValidator()
    {
        RuleFor(c => c.Currency).Matches("^[A-Z]{3}$").WithErrorCode("price.currency").WithMessage("A currency has three letters, as in ISO 4217: EUR.");
        RuleFor(c => c.PromptPerMillion).InclusiveBetween(0, Most);
        RuleFor(c => c.CompletionPerMillion).InclusiveBetween(0, Most);
        RuleFor(c => c.CachedPerMillion).InclusiveBetween(0, Most);
    }
}

public static class SetPriceEndpoint
{
    [WolverinePut("/api/v1/inference/models/{name}/price", OperationId = "setPrice"), Authorize(Permissions.Quotas)]
    [EndpointSummary("Set what a model's tokens cost from now on"), Tags("Usage"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(ModelPrice, OutgoingMessages)> Put(
        string name, SetPrice command, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        await session.LockAsync(ModelName.Lock, cancellation);
        _ = await session.LoadAsync<Model>(name, cancellation) ?? throw ModelRefusals.NotFound(name);
        var version = (await Prices.CurrentAsync(session, name, cancellation))?.Version ?? 0;
        var price = new ModelPrice(
            name, version + 1, command.Currency, command.PromptPerMillion, command.CachedPerMillion ?? command.PromptPerMillion, command.CompletionPerMillion, now);
        session.Insert(price);
        return (price, [new ActPerformed(Guid.CreateVersion7(now), currentUser.Id, "inference.price_set", $"model:{name}", now)]);
    }
}

public static class ListPricesEndpoint
{
    [WolverineGet("/api/v1/inference/models/{name}/prices", OperationId = "listPrices"), Authorize(Permissions.Quotas)]
    [EndpointSummary("List a model's prices, the one that counts first"), Tags("Usage")]
    public static async Task<Page<ModelPrice>> Get(string name, IQuerySession session, CancellationToken cancellation) =>
        new([.. await session.Query<ModelPrice>().Where(p => p.Model == name).OrderByDescending(p => p.Version).ToListAsync(cancellation)], null);
}

internal static class Prices
{
    /// <summary>The price that counts now, or null where the model costs nothing.</summary>
    public static Task<ModelPrice?> CurrentAsync(IQuerySession session, string model, CancellationToken cancellation) =>
        session.Query<ModelPrice>().Where(p => p.Model == model).OrderByDescending(p => p.Version).FirstOrDefaultAsync(cancellation);
}
