using System.Text.Json.Serialization;

namespace LlmPlatform.Chat.Conversations;

/// <summary>Something that happened in a conversation.</summary>
public interface IConversationEvent
{
    DateTimeOffset At { get; }
}

public sealed record ConversationStarted(
    Guid ConversationId, Guid OwnerId, string Model, string? SealedTitle, string? SealedSystemPrompt, ChatSettings Settings, DateTimeOffset At) : IConversationEvent
{
    /// <summary>Where it came from: <c>fork:…</c>, or the import that must not bring it twice.</summary>
    public string? Origin { get; init; }
}

/// <summary>A message that is whole from the beginning on: a user's, or one that was imported, copied or edited.</summary>
public sealed record MessageAdded(Guid MessageId, Guid? ParentId, string Role, string SealedBody, DateTimeOffset At) : IConversationEvent
{
    /// <summary>The model that wrote it, where one did.</summary>
    public string? Model { get; init; }

    /// <summary>Names the request that brought it, so that it is not carried out twice.</summary>
    public string? RequestKey { get; init; }

    /// <summary>The message that this one was edited from.</summary>
    public Guid? EditOf { get; init; }
}

/// <summary>A model is about to answer. The place of the reply is kept before its first token is there.</summary>
public sealed record ReplyStarted(Guid MessageId, Guid? ParentId, string Model, DateTimeOffset At) : IConversationEvent
{
    /// <summary>Names the request that asked for it, where it brought no message.</summary>
    public string? RequestKey { get; init; }
}

/// <summary>A reply that broke off goes on where it ended.</summary>
public sealed record ReplyContinued(Guid MessageId, string Model, DateTimeOffset At) : IConversationEvent
{
    /// <summary>Names the request that asked for it.</summary>
    public string? RequestKey { get; init; }
}

public sealed record ReplyEnded(Guid MessageId, MessageState State, string? SealedBody, string? FinishReason, ReplyUsage? Usage, ReplyError? Error, DateTimeOffset At) : IConversationEvent;

/// <summary>Another branch is shown: the one that ends with this message.</summary>
public sealed record BranchChosen(Guid LeafId, DateTimeOffset At) : IConversationEvent;

public sealed record ConversationRenamed(string? SealedTitle, bool ByModel, DateTimeOffset At) : IConversationEvent;

public sealed record ConversationConfigured(string Model, string? SealedSystemPrompt, ChatSettings Settings, DateTimeOffset At) : IConversationEvent;

/// <summary>Where its owner keeps it. Tags are known by keyed digests; their words are sealed.</summary>
public sealed record ConversationFiled(bool IsPinned, bool IsArchived, Guid? FolderId, IReadOnlyList<string> Tags, string? SealedTags, DateTimeOffset At) : IConversationEvent;

public sealed record ConversationBinned(DateTimeOffset At) : IConversationEvent;

public sealed record ConversationRestored(DateTimeOffset At) : IConversationEvent;

/// <summary>
/// A conversation without its messages, which form a tree beside it. Made of its events alone, and stored so that nobody has to read all of them to
/// add one.
/// </summary>
public sealed record Conversation
{
    public Guid Id { get; init; }

    public Guid OwnerId { get; init; }

    /// <summary>Events so far.</summary>
    public long Version { get; init; }

    /// <summary>The version since which the tree of messages is as it is.</summary>
    public long TreeVersion { get; init; }

    /// <summary>The version since which its owner has changed nothing but messages.</summary>
    public long SettingsVersion { get; init; }

    public string Model { get; init; } = "";

    public string? SealedTitle { get; init; }

    public bool IsTitledByModel { get; init; }

    public string? SealedSystemPrompt { get; init; }

    public ChatSettings Settings { get; init; } = new();

    /// <summary>The last message of the branch that is shown.</summary>
    public Guid? ActiveLeaf { get; init; }

    public int Messages { get; init; }

    public bool IsPinned { get; init; }

    public bool IsArchived { get; init; }

    public Guid? FolderId { get; init; }

    public IReadOnlyList<string> Tags { get; init; } = [];

    public string? SealedTags { get; init; }

    public string? Origin { get; init; }

    public DateTimeOffset StartedAt { get; init; }

    /// <summary>When something was said in it last.</summary>
    public DateTimeOffset ActiveAt { get; init; }

    /// <summary>When it went into the bin.</summary>
    public DateTimeOffset? BinnedAt { get; init; }

    [JsonIgnore]
    private Conversation Next => this with { Version = Version + 1 };

    [JsonIgnore]
    private Conversation NextTree => this with { Version = Version + 1, TreeVersion = Version + 1 };

    [JsonIgnore]
    private Conversation NextSettings => this with { Version = Version + 1, SettingsVersion = Version + 1 };

    public static Conversation Create(ConversationStarted e) => new()
    {
        Id = e.ConversationId,
        OwnerId = e.OwnerId,
        Version = 1,
        TreeVersion = 1,
        SettingsVersion = 1,
        Model = e.Model,
        SealedTitle = e.SealedTitle,
        SealedSystemPrompt = e.SealedSystemPrompt,
        Settings = e.Settings,
        Origin = e.Origin,
        StartedAt = e.At,
        ActiveAt = e.At,
    };

    public Conversation Apply(MessageAdded e) => NextTree with { ActiveLeaf = e.MessageId, Messages = Messages + 1, ActiveAt = e.At };

    public Conversation Apply(ReplyStarted e) => NextTree with { ActiveLeaf = e.MessageId, Messages = Messages + 1, ActiveAt = e.At };

    public Conversation Apply(ReplyContinued e) => NextTree with { ActiveAt = e.At };

    public Conversation Apply(ReplyEnded e) => Next with { ActiveAt = e.At };

    public Conversation Apply(BranchChosen e) => NextTree with { ActiveLeaf = e.LeafId };

    // A title that the model wrote undoes nothing that its owner could have been about to do.
    public Conversation Apply(ConversationRenamed e) => (e.ByModel ? Next : NextSettings) with { SealedTitle = e.SealedTitle, IsTitledByModel = e.ByModel };

    public Conversation Apply(ConversationConfigured e) => NextSettings with { Model = e.Model, SealedSystemPrompt = e.SealedSystemPrompt, Settings = e.Settings };

    public Conversation Apply(ConversationFiled e) =>
        NextSettings with { IsPinned = e.IsPinned, IsArchived = e.IsArchived, FolderId = e.FolderId, Tags = e.Tags, SealedTags = e.SealedTags };

    public Conversation Apply(ConversationBinned e) => NextSettings with { BinnedAt = e.At };

    public Conversation Apply(ConversationRestored _) => NextSettings with { BinnedAt = null };
}
