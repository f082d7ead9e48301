namespace LlmPlatform.Host;

/// <summary>The first words that hand the command line to JasperFx; everything else is configuration of the host.</summary>
internal static class CommandLineVerbs
{
    private static readonly HashSet<string> Verbs = new(["codegen", "describe"], StringComparer.Ordinal);

    public static bool Contains(string word) => Verbs.Contains(word);
}

/// <summary>How the process ends, in the numbers of sysexits.h.</summary>
internal static class ExitCodes
{
    public const int Done = 0;

    /// <summary>EX_TEMPFAIL: another host holds the data folder.</summary>
    public const int InUse = 75;

    /// <summary>EX_CONFIG: an operator has to change something.</summary>
    public const int Misconfigured = 78;
}
