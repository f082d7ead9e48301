using System.Text.Json;
using FluentValidation;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Chat;

internal static class Validating
{
    /// <summary>For roads that are mapped by hand and hand nothing to the bus.</summary>
    /// <exception cref="Refusal"><c>param.invalid</c>, or the code of the rule</exception>
    public static async Task CheckAsync<T>(this IValidator<T> validator, T command, CancellationToken cancellation)
    {
        var result = await validator.ValidateAsync(command, cancellation);
        if (!result.IsValid)
        {
            var first = result.Errors[0];
            throw Refusal.BadParam(JsonNamingPolicy.CamelCase.ConvertName(first.PropertyName), first.ErrorMessage, first.ErrorCode.Contains('.', StringComparison.Ordinal) ? first.ErrorCode : "param.invalid");
        }
    }
}
