using LlmPlatform.Inference.Engine.Constraints;
using LlmPlatform.Inference.Engine.Llama;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>A model's vocabulary, as constraints look at it.</summary>
internal sealed class VocabularyText(Vocabulary vocabulary) : IVocabularyText
{
    public int Size => vocabulary.Size;

    public ReadOnlySpan<byte> Bytes(int token) => vocabulary.Piece(token);

    public bool EndsGeneration(int token) => vocabulary.EndsGeneration(token);

    public int? ControlToken(string text) => vocabulary.ControlToken(text);
}
