namespace LlmPlatform.Chat.Contracts;

/// <summary>A conversation is no longer what its owner's open pages show. It holds ids only: a page asks for what it does not have.</summary>
/// <param name="UserId">Whose conversation it is.</param>
/// <param name="ConversationId">The conversation.</param>
/// <param name="Version">Its version after the change.</param>
/// <param name="What">What happened: <c>created</c>, <c>message</c>, <c>reply</c>, <c>renamed</c>, <c>changed</c> or <c>deleted</c>.</param>
/// <param name="MessageId">The message it happened to; null where it happened to the whole.</param>
/// <param name="At">When.</param>
public sealed record ConversationChanged(Guid UserId, Guid ConversationId, long Version, string What, Guid? MessageId, DateTimeOffset At);
