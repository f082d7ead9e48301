namespace LlmPlatform.Host;

/// <summary>The first words that hand the command line to JasperFx; everything else is configuration of the host.</summary>
internal static class CommandLineVerbs
{
    private static readonly HashSet<string> Verbs = new(["codegen", "describe"], StringComparer.Ordinal);

    public static bool Contains(string word) => Verbs.Contains(word);
}
