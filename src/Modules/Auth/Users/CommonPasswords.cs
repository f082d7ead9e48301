using System.Collections.Frozen;
using System.Text.Json;

namespace LlmPlatform.Auth.Users;

/// <summary>Passwords that everybody tries first, 18,000 of those that are long enough to be taken at all.</summary>
internal static class CommonPasswords
{
    private static readonly Lazy<FrozenSet<string>> All = new(Read);

    /// <summary>How many there are.</summary>
    public static int Count => All.Value.Count;

    /// <summary>Whether a password is one of them, in whichever case.</summary>
    public static bool Contain(string password) => All.Value.Contains(password);

    private static FrozenSet<string> Read()
    {
        using var list = typeof(CommonPasswords).Assembly.GetManifestResourceStream("passwords.json")!;
        return JsonSerializer.Deserialize<string[]>(list)!.Where(p => p.Length >= UserRules.ShortestPassword).ToFrozenSet(StringComparer.OrdinalIgnoreCase);
    }
}
