using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Models;
using LlmPlatform.Inference.Names;

namespace LlmPlatform.Inference.Quotas;

/// <summary>Shows where the quotas of a user stand.</summary>
public sealed class QuotaBalances
{
    private readonly IModelTargets models;
    private readonly Metering metering;
    private readonly QuotaLedger ledger;

    internal QuotaBalances(IModelTargets models, Metering metering, QuotaLedger ledger) => (this.models, this.metering, this.ledger) = (models, metering, ledger);

    /// <summary>The quotas of the user, and of a model that the user may see.</summary>
    internal async Task<IReadOnlyList<QuotaBalance>> OfAsync(string? model, ModelUser user, CancellationToken cancellation)
    {
        var target = model is null ? null : await models.FindAsync(model, user, cancellation) ?? throw ModelRefusals.NotFound(model);
        return await ledger.ShowAsync(await metering.LinesAsync(target?.Model.Name ?? "", user, cancellation), cancellation);
    }
}
