using System.Reflection;
using JasperFx;
using JasperFx.CodeGeneration;
using Wolverine.Configuration;
using Wolverine.Marten;

namespace LlmPlatform.Host.Messaging;

/// <summary>Gives every handler and endpoint the store of the module it lives in, so that no class has to name it.</summary>
internal sealed class ModuleStorePolicy(IReadOnlyDictionary<Assembly, Type> stores) : IChainPolicy
{
    public void Apply(IReadOnlyList<IChain> chains, GenerationRules rules, IServiceContainer container)
    {
        foreach (var chain in chains)
        {
            if (chain.AncillaryStoreType is null
                && chain.HandlerCalls().FirstOrDefault() is { } call
                && stores.TryGetValue(call.HandlerType.Assembly, out var store))
            {
                chain.UseMartenStore(store);
            }
        }
    }
}
