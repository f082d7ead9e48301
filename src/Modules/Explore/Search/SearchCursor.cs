using System.Text.Encodings.Web;
using System.Text.Json;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Explore.Search;

/// <summary>Where a row stands in a list: how it answers what was typed, what the list is sorted by, and its key, which sets rows apart that are equal in both.</summary>
/// <param name="Sort">The order that the list has.</param>
/// <param name="Match">Which kind of match it is.</param>
/// <param name="Number">What it is sorted by, where that is a number.</param>
/// <param name="Text">What it is sorted by, where that is a text.</param>
/// <param name="Key">The row's key.</param>
internal sealed record SearchCursor(ModelSort Sort, Match Match, long Number, string Text, string Key)
{
    private static readonly JsonSerializerOptions Short = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static SearchCursor? Parse(string? cursor)
    {
        if (Page.Key(cursor) is not { } key)
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize<JsonElement[]>(key) is [var sort, var match, var number, var text, var last]
                && Enum.IsDefined((ModelSort)sort.GetInt32()) && Enum.IsDefined((Match)match.GetInt32()) && IsText(text.GetString()) && IsText(last.GetString())
                ? new SearchCursor((ModelSort)sort.GetInt32(), (Match)match.GetInt32(), number.GetInt64(), text.GetString()!, last.GetString()!)
                : throw Foreign();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw Foreign();
        }
    }

    public static Refusal Foreign() => Refusal.BadParam("cursor", "'cursor' is not one that this list gave out.", "param.cursor");

    public override string ToString() => JsonSerializer.Serialize<object[]>([(int)Sort, (int)Match, Number, Text, Key], Short);

    private static bool IsText(string? text) => text is not null && !text.Contains('\0', StringComparison.Ordinal);
}
