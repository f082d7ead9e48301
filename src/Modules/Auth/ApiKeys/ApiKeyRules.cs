using System.Net;
using FluentValidation;
using LlmPlatform.Auth.Contracts;
using LlmPlatform.Auth.Quotas;

namespace LlmPlatform.Auth.ApiKeys;

/// <summary>What is asked of a key's limits, when it is made and when it is changed.</summary>
internal static class ApiKeyRules
{
    public static IRuleBuilderOptions<T, IReadOnlyList<string>?> KeyModels<T>(this IRuleBuilder<T, IReadOnlyList<string>?> rule) => rule
        .Must(models => models is null || (models.Count <= 100 && models.All(model => model is { Length: > 0 and <= 129 })))
        .WithMessage("A key names at most 100 models, each of 1 to 129 characters.");

    public static IRuleBuilderOptions<T, IReadOnlyList<string>?> KeyNetworks<T>(this IRuleBuilder<T, IReadOnlyList<string>?> rule) => rule
        .Must(networks => networks is null || (networks.Count <= 100 && networks.All(network => IPNetwork.TryParse(network, out _))))
        .WithErrorCode("network.invalid").WithMessage("A key names at most 100 networks, each as CIDR: 192.0.2.0/24 or 2001:db8::/32.");

    public static IRuleBuilderOptions<T, QuotaAmounts?> KeyBudget<T>(this IRuleBuilder<T, QuotaAmounts?> rule) => rule.SetValidator(new QuotaAmountsValidator()!);
}
