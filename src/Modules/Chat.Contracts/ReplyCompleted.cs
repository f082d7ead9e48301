namespace LlmPlatform.Chat.Contracts;

/// <summary>A reply in a conversation is complete.</summary>
/// <param name="ConversationId">The conversation.</param>
/// <param name="MessageId">The reply.</param>
/// <param name="UserId">Whose conversation it is.</param>
/// <param name="Model">The model that wrote it.</param>
/// <param name="PromptTokens">Tokens of its prompt.</param>
/// <param name="CompletionTokens">Tokens of the reply.</param>
/// <param name="At">When.</param>
public sealed record ReplyCompleted(Guid ConversationId, Guid MessageId, Guid UserId, string Model, int PromptTokens, int CompletionTokens, DateTimeOffset At);
