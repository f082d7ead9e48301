namespace LlmPlatform.Inference.Models;

/// <summary>A file is refused before native code sees it; the message is a sentence for whoever offered the file.</summary>
internal sealed class GgufException(string code, string message) : Exception(message)
{
    public string Code { get; } = code;
}

/// <summary>The reasons a model file is refused. They reach clients as problem codes, so they never change meaning.</summary>
internal static class GgufCodes
{
    public const string Empty = "gguf.empty";
    public const string Truncated = "gguf.truncated";
    public const string Magic = "gguf.magic";
    public const string Version = "gguf.version";
    public const string Key = "gguf.key";
    public const string Type = "gguf.type";
    public const string Limit = "gguf.limit";
    public const string Alignment = "gguf.alignment";
    public const string Tensor = "gguf.tensor";
    public const string Extent = "gguf.extent";
    public const string Overlap = "gguf.overlap";
    public const string Gap = "gguf.gap";
    public const string Split = "gguf.split";
    public const string Kind = "gguf.kind";
    public const string Architecture = "gguf.architecture";
    public const string Shape = "gguf.shape";
    public const string Vocabulary = "gguf.vocabulary";
}
