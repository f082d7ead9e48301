using FluentValidation;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Auth.Users;

/// <summary>What is asked of a person's data, wherever it comes in.</summary>
internal static class UserRules
{
    public const int ShortestPassword = 8;

    // A longer one would only make the server work: PBKDF2 hashes the whole input.
    public const int LongestPassword = 1024;

    public static IRuleBuilderOptions<T, string> Email<T>(this IRuleBuilder<T, string> rule) => rule
        .Must(text => EmailAddress.Canonical(text) is not null).WithErrorCode("email.invalid").WithMessage("This is not an e-mail address.");

    public static IRuleBuilderOptions<T, string?> NewPassword<T>(this IRuleBuilder<T, string?> rule) => rule
        .Must(text => text is null || text.Length is >= ShortestPassword and <= LongestPassword)
        .WithErrorCode("password.length").WithMessage($"A password has {ShortestPassword} to {LongestPassword} characters.");

    public static IRuleBuilderOptions<T, string?> PersonName<T>(this IRuleBuilder<T, string?> rule) => rule
        .Must(text => text is null || IsLine(text, 200)).WithErrorCode("name.invalid").WithMessage("A name is one line of 1 to 200 characters.");

    public static IRuleBuilderOptions<T, string?> Role<T>(this IRuleBuilder<T, string?> rule) => rule
        .Must(text => text is null || Roles.All.Contains(text)).WithErrorCode("role.unknown").WithMessage($"A role is one of: {string.Join(", ", Roles.All)}.");

    /// <summary>Whether a text is one visible line.</summary>
    public static bool IsLine(string text, int longest) =>
        text.Length <= longest && !string.IsNullOrWhiteSpace(text) && !text.Any(char.IsControl);
}
