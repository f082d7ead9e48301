using LlmPlatform.Chat.Search;

namespace LlmPlatform.Chat.Conversations;

/// <summary>A conversation as a list shows it.</summary>
public sealed record ConversationSummary(
    Guid Id,
    string? Title,
    string Model,
    long Version,
    int MessageCount,
    bool IsPinned,
    bool IsArchived,
    Guid? FolderId,
    IReadOnlyList<string> Tags,
    DateTimeOffset StartedAt,
    DateTimeOffset ActiveAt,
    DateTimeOffset? BinnedAt)
{
    /// <summary>Where it matches a search, the newest first.</summary>
    public IReadOnlyList<Snippet> Snippets { get; init; } = [];
}

/// <summary>A conversation with its messages, oldest first: those of the branch that is shown, or all.</summary>
public sealed record ConversationView(
    Guid Id,
    string? Title,
    string Model,
    long Version,
    string? SystemPrompt,
    ChatSettings Settings,
    Guid? ActiveLeaf,
    bool IsPinned,
    bool IsArchived,
    Guid? FolderId,
    IReadOnlyList<string> Tags,
    DateTimeOffset StartedAt,
    DateTimeOffset ActiveAt,
    DateTimeOffset? BinnedAt,
    IReadOnlyList<MessageView> Messages);

/// <summary>A message.</summary>
/// <param name="Id">Its id.</param>
/// <param name="ParentId">What it answers.</param>
/// <param name="Role"><c>user</c> or <c>assistant</c>.</param>
/// <param name="Content">What it says; of a reply that is being written, what is stored so far.</param>
/// <param name="State">Whether it is whole.</param>
/// <param name="At">When it began.</param>
public sealed record MessageView(Guid Id, Guid? ParentId, string Role, string Content, MessageState State, DateTimeOffset At)
{
    public string? Model { get; init; }

    public string? Reasoning { get; init; }

    public IReadOnlyList<Attachment> Attachments { get; init; } = [];

    /// <summary>What was called for it, and what came back, in order.</summary>
    public IReadOnlyList<ToolStep> Tools { get; init; } = [];

    public string? FinishReason { get; init; }

    public ReplyUsage? Usage { get; init; }

    /// <summary>Messages that were left out of its prompt, because the context was full.</summary>
    public int DroppedMessages { get; init; }

    public ReplyError? Error { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>The message that this one was edited from.</summary>
    public Guid? EditOf { get; init; }

    /// <summary>All messages in its place, itself included, oldest first; empty where it is the only one.</summary>
    public IReadOnlyList<Guid> Siblings { get; init; } = [];
}

/// <summary>A call of a tool.</summary>
/// <param name="CallId">Its id.</param>
/// <param name="Name">The function.</param>
/// <param name="Arguments">JSON.</param>
/// <param name="Result">Null where none came.</param>
/// <param name="IsError">Whether the result says that it failed.</param>
public sealed record ToolStep(string? CallId, string? Name, string Arguments, string? Result, bool IsError);
