namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>Strings: their length, or a pattern, or a format.</summary>
internal static class SchemaStrings
{
    private const string Date =
        @"(?:(?:19|20)\d\d-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))"
        + @"|(?:19|20)(?:0[48]|[2468][048]|[13579][26])-02-29|2000-02-29)";

    private const string Time = @"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d)";

    private const string Host = "[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?(?:\\.[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?){0,4}\\.[a-z]{2,10}";

    private const string Octet = @"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)";

    internal static Node Read(List<SchemaPart> parts, JsonGrammar json, Work work)
    {
        var min = parts.Max(p => p.Count("minLength")) ?? 0;
        var max = parts.Min(p => p.Count("maxLength"));
        var shaped = parts.Where(p => p.Has("pattern") || p.Has("format")).ToList();
        if (shaped.Count == 0)
        {
            return min == 0 && max is null ? json.String : min > max ? Node.Never : JsonGrammar.Quoted(Node.Repeat(JsonGrammar.Character, min, max));
        }

        if (shaped.Count > 1 || (shaped[0].Has("pattern") && shaped[0].Has("format")))
        {
            throw ConstraintErrors.Unsupported("a second pattern or format for one string", shaped[^1].Pointer);
        }

        var shape = Shape(shaped[0], TextForm.Json, JsonGrammar.Character, work);
        if (min == 0 && max is null)
        {
            return JsonGrammar.Quoted(shape);
        }

        var counted = Shape(shaped[0], TextForm.Counted, Node.Byte((byte)'x'), work);
        return TextLength.Limit(shape, counted, min, max) is { } limited
            ? JsonGrammar.Quoted(limited)
            : throw ConstraintErrors.Unsupported("minLength or maxLength beside pattern or format", shaped[0].Pointer);
    }

    private static Node Shape(SchemaPart part, TextForm form, Node character, Work work)
    {
        if (part.Text("pattern") is { } pattern)
        {
            return RegexReader.ReadWithin(pattern, form, Node.Repeat(character, 0, null), work, $"{part.Pointer}/pattern");
        }

        var format = part.Text("format")!;
        var known = Pattern(format) ?? throw ConstraintErrors.Unsupported($"format {format}", part.Pointer);
        return RegexReader.ReadWhole(known, form, work, $"{part.Pointer}/format");
    }

    // Each is a part of what the format allows, and all of it is valid: February ends, hosts end in letters, URIs are web addresses.
    private static string? Pattern(string format) => format switch
    {
        "date" => Date,
        "time" => Time,
        "date-time" => $"{Date}T{Time}",
        "uuid" => "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "ipv4" => $"{Octet}(?:\\.{Octet}){{3}}",
        "ipv6" => "[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){7}",
        "hostname" => Host,
        "email" => $"[A-Za-z0-9_+-]{{1,32}}(?:\\.[A-Za-z0-9_+-]{{1,32}}){{0,3}}@{Host}",
        "uri" => $"https?://{Host}(?::[1-9]\\d{{1,3}})?(?:/[A-Za-z0-9._~-]*)*(?:\\?[A-Za-z0-9._~=&-]*)?(?:#[A-Za-z0-9._~-]*)?",
        _ => null,
    };
}
