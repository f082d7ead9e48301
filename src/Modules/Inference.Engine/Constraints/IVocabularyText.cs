namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>What a constraint must know of a vocabulary. Safe to ask from several threads.</summary>
internal interface IVocabularyText
{
    int Size { get; }

    /// <summary>The token's text in UTF-8, perhaps half a character; empty for control tokens.</summary>
    ReadOnlySpan<byte> Bytes(int token);

    bool EndsGeneration(int token);

    /// <summary>The one control token that templates write as this text.</summary>
    int? ControlToken(string text);
}
