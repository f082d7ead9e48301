namespace LlmPlatform.Chat.Contracts;

/// <summary>Something in a conversation is not as it was: whoever shows it reads it again.</summary>
/// <param name="UserId">Whose conversation it is.</param>
/// <param name="ConversationId">The conversation.</param>
/// <param name="Version">Its version since then.</param>
/// <param name="What"><c>created</c>, <c>message</c>, <c>reply</c>, <c>renamed</c>, <c>changed</c> or <c>deleted</c>.</param>
/// <param name="MessageId">The message it is about, where it is about one.</param>
/// <param name="At">When.</param>
public sealed record ConversationChanged(Guid UserId, Guid ConversationId, long Version, string What, Guid? MessageId, DateTimeOffset At);
