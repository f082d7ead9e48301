using System.Text.Json.Serialization;

namespace LlmPlatform.Chat.Conversations;

[JsonConverter(typeof(JsonStringEnumConverter<MessageState>))]
public enum MessageState
{
    /// <summary>It is being written, or waits for its turn.</summary>
    [JsonStringEnumMemberName("streaming")]
    Streaming,

    [JsonStringEnumMemberName("completed")]
    Completed,

    /// <summary>Its reader stopped it.</summary>
    [JsonStringEnumMemberName("stopped")]
    Stopped,

    /// <summary>The host ended while it was written.</summary>
    [JsonStringEnumMemberName("interrupted")]
    Interrupted,

    /// <summary>The model could not answer.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,
}

/// <summary>Tokens of a reply. Those of a prompt are of its last round.</summary>
public sealed record ReplyUsage(int PromptTokens, int CompletionTokens, int CachedTokens, int ReasoningTokens)
{
    public int TotalTokens => PromptTokens + CompletionTokens;
}

/// <summary>Why a reply failed.</summary>
public sealed record ReplyError(string Code, string Message);

/// <summary>One message in the tree of a conversation.</summary>
public sealed record Message
{
    public Guid Id { get; init; }

    public Guid ConversationId { get; init; }

    public Guid? ParentId { get; init; }

    /// <summary>The version of the conversation that brought it: siblings stand in this order.</summary>
    public long Number { get; init; }

    /// <summary>The version that last had it written: tells one attempt at a reply from the next.</summary>
    public long Attempt { get; init; }

    /// <summary><c>user</c> or <c>assistant</c>.</summary>
    public string Role { get; init; } = "";

    public string? Model { get; init; }

    public MessageState State { get; init; }

    /// <summary>A sealed <see cref="MessageBody"/>; null for a reply that has none yet.</summary>
    public string? SealedBody { get; init; }

    public string? FinishReason { get; init; }

    public ReplyUsage? Usage { get; init; }

    public ReplyError? Error { get; init; }

    /// <summary>Names the last request that brought it, or had it written on.</summary>
    public string? RequestKey { get; init; }

    public Guid? EditOf { get; init; }

    public DateTimeOffset At { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    public static Message Create(MessageAdded e) => new()
    {
        Id = e.MessageId,
        ParentId = e.ParentId,
        Role = e.Role,
        Model = e.Model,
        State = MessageState.Completed,
        SealedBody = e.SealedBody,
        RequestKey = e.RequestKey,
        EditOf = e.EditOf,
        At = e.At,
        EndedAt = e.At,
    };

    public static Message Create(ReplyStarted e) => new()
    {
        Id = e.MessageId,
        ParentId = e.ParentId,
        Role = MessageRoles.Assistant,
        Model = e.Model,
        State = MessageState.Streaming,
        RequestKey = e.RequestKey,
        At = e.At,
    };

    public Message Apply(ReplyContinued e) => this with { State = MessageState.Streaming, Model = e.Model, RequestKey = e.RequestKey, FinishReason = null, Error = null, EndedAt = null };

    public Message Apply(ReplyEnded e) => this with
    {
        State = e.State,
        SealedBody = e.SealedBody,
        FinishReason = e.FinishReason,
        Usage = e.Usage,
        Error = e.Error,
        EndedAt = e.At,
    };
}

public static class MessageRoles
{
    public const string User = "user";
    public const string Assistant = "assistant";
}
