using System.Text.Encodings.Web;
using System.Text.Json;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Explore.Search;

/// <summary>The last row of a page: how well it answers, what it is sorted by, and its key, which sets rows apart that are equal in both.</summary>
/// <param name="Sort">The order that the list has.</param>
/// <param name="Tier">Which kind of match it is, best first.</param>
/// <param name="Rank">How good it is among those of its tier; 0 where all are equal.</param>
/// <param name="Number">What it is sorted by, where that is a number.</param>
/// <param name="Text">What it is sorted by, where that is a text.</param>
/// <param name="Key">The row's key.</param>
internal sealed record SearchCursor(ModelSort Sort, int Tier, int Rank, long Number, string Text, string Key)
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
            return JsonSerializer.Deserialize<JsonElement[]>(key) is [var sort, var tier, var rank, var number, var text, var last]
                && Enum.IsDefined((ModelSort)sort.GetInt32()) && tier.GetInt32() is >= 0 and < 8
                && text.GetString() is { } from && !from.Contains('\0', StringComparison.Ordinal) && last.GetString() is { } row && !row.Contains('\0', StringComparison.Ordinal)
                ? new SearchCursor((ModelSort)sort.GetInt32(), tier.GetInt32(), rank.GetInt32(), number.GetInt64(), from, row)
                : throw Foreign();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw Foreign();
        }
    }

    public static Refusal Foreign() => Refusal.BadParam("cursor", "'cursor' is not one that this list gave out.", "param.cursor");

    public override string ToString() => JsonSerializer.Serialize<object[]>([(int)Sort, Tier, Rank, Number, Text, Key], Short);
}
