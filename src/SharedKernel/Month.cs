using System.Globalization;

namespace LlmPlatform.SharedKernel;

/// <summary>Months of UTC, written as <c>2026-11</c>.</summary>
public static class Month
{
    private const string Format = "yyyy-MM";

    public static string Of(DateTimeOffset at) => at.UtcDateTime.ToString(Format, CultureInfo.InvariantCulture);

    /// <summary>The month that a caller asks for, or else this one; refuses what is none.</summary>
    public static string Read(string? asked, DateTimeOffset now) =>
        asked is null ? Of(now)
        : DateTime.TryParseExact(asked, Format, CultureInfo.InvariantCulture, DateTimeStyles.None, out _) ? asked
        : throw Refusal.BadParam("month", "A month is written as 2026-11.", "param.invalid");
}
