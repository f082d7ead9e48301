namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>What one constraint may cost.</summary>
internal static class ConstraintLimits
{
    /// <summary>Characters of a schema, a grammar or all texts of a choice together.</summary>
    internal const int Text = 262_144;

    /// <summary>Characters of a pattern.</summary>
    internal const int Pattern = 16_384;

    /// <summary>How deep brackets, schemas and sources nest in what is compiled.</summary>
    internal const int Depth = 64;

    internal const int CompileSteps = 1_000_000;

    internal const int States = 200_000;

    internal const int CountedRepeats = 1_000_000;

    /// <summary>How deep one node may nest when everything has been put together.</summary>
    internal const int NodeDepth = 1_000;

    /// <summary>Places at which a running text can be at the same time.</summary>
    internal const int Frames = 8_192;

    /// <summary>Frames below a place: how deep the written text nests.</summary>
    internal const int StackDepth = 2_048;

    /// <summary>Steps for one mask or one token, a step being some 100 ns.</summary>
    internal const int RunSteps = 250_000;

    /// <summary>What a constraint remembers while it runs, in units of 64 bytes.</summary>
    internal const int MemoryUnits = 131_072;

    /// <summary>Compiled constraints that a compiler keeps.</summary>
    internal const int Compiled = 32;
}
