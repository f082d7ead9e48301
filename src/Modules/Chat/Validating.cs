using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using FluentValidation;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Chat;

internal static class Validating
{
    /// <summary>Whether the database takes it as text: its JSON has no place for a NUL, nor for half a character.</summary>
    public static bool IsText([NotNullWhen(true)] string? text)
    {
        for (var at = 0; at < text?.Length;)
        {
            if (text[at] == '\0' || Rune.DecodeFromUtf16(text.AsSpan(at), out _, out var length) != OperationStatus.Done)
            {
                return false;
            }

            at += length;
        }

        return text is not null;
    }

    /// <summary>Whether it can be a name: one line of text that says something.</summary>
    public static bool IsName([NotNullWhen(true)] string? text, int longest) =>
        !string.IsNullOrWhiteSpace(text) && text.Length <= longest && !text.Any(char.IsControl) && IsText(text);

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
