using FluentValidation;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Auth.Users;

/// <summary>What is asked of a person's data, wherever it comes in.</summary>
internal static class UserRules
{
    public const int ShortestPassword = 8;

    // A longer one would only make the server work: PBKDF2 hashes the whole input.
    public const int LongestPassword = 1024;

    public const string BadName = "A name is one line of 1 to 200 visible characters, with a letter or digit among them.";
    public const string CommonPassword = "This password is one of those that everybody tries first. A few words make a good one.";
    public const string PersonalPassword = "A password is not one's own name or e-mail address.";

    public static IRuleBuilderOptions<T, string> Email<T>(this IRuleBuilder<T, string> rule) => rule
        .Must(text => EmailAddress.Canonical(text) is not null).WithErrorCode("email.invalid").WithMessage("This is not an e-mail address.");

    public static IRuleBuilderOptions<T, string?> NewPassword<T>(this IRuleBuilder<T, string?> rule) => rule
        .Must(text => text is null || text.Length is >= ShortestPassword and <= LongestPassword)
        .WithErrorCode("password.length").WithMessage($"A password has {ShortestPassword} to {LongestPassword} characters.")
        .Must(text => text is null || !CommonPasswords.Contain(text)).WithErrorCode("password.common").WithMessage(CommonPassword);

    /// <summary>Refuses a password that is the person's own name or address, by which everybody would begin to guess.</summary>
    public static IRuleBuilderOptions<T, string?> NotPersonal<T>(this IRuleBuilder<T, string?> rule, params Func<T, string?>[] personal) => rule
        .Must((command, text) => text is null || !IsPersonal(text, [.. personal.Select(of => of(command))]))
        .WithErrorCode("password.personal").WithMessage(PersonalPassword);

    public static IRuleBuilderOptions<T, string?> PersonName<T>(this IRuleBuilder<T, string?> rule) => rule
        .Must(text => text is null || DisplayName.Tidy(text) is not null).WithErrorCode("name.invalid").WithMessage(BadName);

    public static IRuleBuilderOptions<T, string?> Role<T>(this IRuleBuilder<T, string?> rule) => rule
        .Must(text => text is null || Roles.All.Contains(text)).WithErrorCode("role.unknown").WithMessage($"A role is one of: {string.Join(", ", Roles.All)}.");

    /// <summary>Whether a password is one of the texts by which its owner is known, or the part of an address before the at sign.</summary>
    public static bool IsPersonal(string password, params string?[] personal) =>
        personal.OfType<string>().SelectMany(text => new[] { text.Trim(), text.Split('@')[0].Trim() })
            .Any(text => text.Length > 0 && text.Equals(password.Trim(), StringComparison.OrdinalIgnoreCase));

    /// <summary>Refuses a password that is one's own name or address, where only we know those.</summary>
    /// <exception cref="Refusal"><c>password.personal</c></exception>
    public static void RefusePersonal(string password, params string?[] personal)
    {
        if (IsPersonal(password, personal))
        {
            throw Refusal.BadParam("newPassword", PersonalPassword, "password.personal");
        }
    }

    /// <summary>Whether a text is one visible line.</summary>
    public static bool IsLine(string text, int longest) =>
        text.Length <= longest && !string.IsNullOrWhiteSpace(text) && !text.Any(char.IsControl);
}
