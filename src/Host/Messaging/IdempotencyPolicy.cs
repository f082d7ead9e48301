using JasperFx;
using JasperFx.CodeGeneration;
using JasperFx.CodeGeneration.Frames;
using LlmPlatform.Host.Web;
using Marten;
using Wolverine.Http;

namespace LlmPlatform.Host.Messaging;

/// <summary>Marks an endpoint whose answer is kept in the transaction of its work.</summary>
internal sealed record KeepsItsAnswer;

/// <summary>Lets each POST that works in one transaction write its answer there, where the request carries an <c>Idempotency-Key</c>.</summary>
internal sealed class IdempotencyPolicy : IHttpPolicy
{
    public void Apply(IReadOnlyList<HttpChain> chains, GenerationRules rules, IServiceContainer container)
    {
        foreach (var chain in chains.Where(c => c.HttpMethods.Contains(HttpMethods.Post) && c.Method.Method.GetParameters().Any(p => p.ParameterType == typeof(IDocumentSession))))
        {
            if ((chain.ResourceVariable ?? chain.Method.Creates.FirstOrDefault()) is { } result)
            {
                var keep = new MethodCall(typeof(Idempotency), nameof(Idempotency.KeepAsync));
                keep.Arguments[2] = result;
                chain.Postprocessors.Insert(0, keep); // after the handler, before the commit
                chain.Metadata.WithMetadata(new KeepsItsAnswer());
            }
        }
    }
}
