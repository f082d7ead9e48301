namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>A function that the model may call; the parameters are a JSON schema, or null where the request gave none.</summary>
internal sealed record ToolSignature(string Name, string? ParametersJson);
