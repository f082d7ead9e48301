using System.Reflection;
using JasperFx;
using JasperFx.CodeGeneration.Model;
using LlmPlatform.SharedKernel;
using Wolverine.Http;
using Wolverine.Http.CodeGen;

namespace LlmPlatform.Host.Messaging;

/// <summary>Keeps Wolverine from reading the caller or the time out of a request: both are ours to say, whatever a body or query string holds.</summary>
internal sealed class AmbientParameters : IParameterStrategy
{
    private readonly CallerSource callers = new();
    private readonly ClockSource clocks = new();

    public bool TryMatch(HttpChain chain, IServiceContainer container, ParameterInfo parameter, out Variable? variable)
    {
        variable = parameter.ParameterType == typeof(CurrentUser) ? callers.Create(parameter.ParameterType)
            : parameter.ParameterType == typeof(DateTimeOffset) && parameter.Name == "now" ? clocks.Create(parameter.ParameterType)
            : null;
        return variable is not null;
    }
}
