using FluentValidation;
using JasperFx;
using JasperFx.CodeGeneration;
using JasperFx.CodeGeneration.Frames;
using LlmPlatform.SharedKernel;
using Wolverine.Configuration;
using Wolverine.Http;
using Wolverine.Http.CodeGen;
using Wolverine.Runtime.Handlers;

namespace LlmPlatform.Host.Messaging;

/// <summary>Runs a command's FluentValidation validator in front of its handler, at both doors.</summary>
internal sealed class ValidationPolicy : IHttpPolicy, IHandlerPolicy
{
    public void Apply(IReadOnlyList<HttpChain> chains, GenerationRules rules, IServiceContainer container)
    {
        foreach (var chain in chains.Where(c => c.HasRequestType && HasValidator(container, c.RequestType!)))
        {
            var call = Call(nameof(Validation.ProblemAsync), chain.RequestType!);
            chain.Middleware.Insert(0, call);
            chain.Middleware.Insert(1, new MaybeEndWithResultFrame(call.ReturnVariable!));
            chain.Metadata.ProducesValidationProblem();
        }
    }

    public void Apply(IReadOnlyList<HandlerChain> chains, GenerationRules rules, IServiceContainer container)
    {
        foreach (var chain in chains.Where(c => HasValidator(container, c.MessageType)))
        {
            chain.Middleware.Insert(0, Call(nameof(Validation.ThrowAsync), chain.MessageType));
        }
    }

    private static bool HasValidator(IServiceContainer container, Type message) =>
        container.HasRegistrationFor(typeof(IValidator<>).MakeGenericType(message));

    private static MethodCall Call(string method, Type message) =>
        new(typeof(Validation), typeof(Validation).GetMethod(method)!.MakeGenericMethod(message));
}

/// <summary>Public because the adapters that Wolverine generates call it.</summary>
public static class Validation
{
    public static async Task<IResult> ProblemAsync<T>(IValidator<T> validator, T command, CancellationToken cancellation)
    {
        var result = await validator.ValidateAsync(command, cancellation);
        if (result.IsValid)
        {
            return WolverineContinue.Result();
        }

        var first = result.Errors[0];
        var problem = Problem.Of(400, Code(first), first.ErrorMessage, Field(first.PropertyName));
        problem.Extensions["errors"] = result.ToDictionary().ToDictionary(e => Field(e.Key), e => e.Value);
        return TypedResults.Problem(problem);
    }

    public static async Task ThrowAsync<T>(IValidator<T> validator, T command, CancellationToken cancellation)
    {
        var result = await validator.ValidateAsync(command, cancellation);
        if (!result.IsValid)
        {
            var first = result.Errors[0];
            throw Refusal.BadParam(Field(first.PropertyName), first.ErrorMessage, Code(first));
        }
    }

    // Codes of our own have a dot; FluentValidation's are names of its classes.
    private static string Code(FluentValidation.Results.ValidationFailure failure) =>
        failure.ErrorCode.Contains('.', StringComparison.Ordinal) ? failure.ErrorCode : "param.invalid";

    /// <summary>The path of a property as it stands in the JSON: <c>sampling.topP</c>.</summary>
    private static string Field(string property) => string.Join('.', property.Split('.').Select(System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName));
}
