using System.Buffers.Text;
using System.Text;

namespace LlmPlatform.SharedKernel;

/// <summary>One page of a list; <see cref="NextCursor"/> is opaque and null on the last page.</summary>
public sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor);

/// <summary>Lists are read by key, never by offset: rows that come or go meanwhile shift no page.</summary>
public static class Page
{
    public const int DefaultLimit = 50;
    public const int MaxLimit = 200;

    /// <summary>The number of items a caller may have at once; refuses what is not one.</summary>
    public static int Limit(int? asked) => asked is null or (>= 1 and <= MaxLimit)
        ? asked ?? DefaultLimit
        : throw Refusal.BadParam("limit", $"'limit' is a number from 1 to {MaxLimit}.");

    /// <summary>The key after which the page begins; null for the first page.</summary>
    public static string? Key(string? cursor)
    {
        if (string.IsNullOrEmpty(cursor))
        {
            return null;
        }

        return cursor.Length <= 1024 && Base64Url.IsValid(cursor)
            ? Encoding.UTF8.GetString(Base64Url.DecodeFromChars(cursor))
            : throw Refusal.BadParam("cursor", "'cursor' is not one that this list gave out.", "param.cursor");
    }

    /// <summary>Makes a page of rows that were asked for with one more than the limit; that one says whether there is a next page.</summary>
    public static Page<T> Of<T>(IReadOnlyList<T> rows, int limit, Func<T, string> key) => rows.Count <= limit
        ? new Page<T>(rows, null)
        : new Page<T>([.. rows.Take(limit)], Base64Url.EncodeToString(Encoding.UTF8.GetBytes(key(rows[limit - 1]))));
}
