using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using LlmPlatform.Chat.Conversations;

namespace LlmPlatform.Chat.Transfer;

/// <summary>
/// A conversation outside of the platform: everything of it, so that it can be brought back here or elsewhere. Ids name things inside the file, and
/// the conversation's tells whether it was brought before; nothing gets them as its own.
/// </summary>
internal sealed record ConversationFile
{
    public const string Name = "llmplatform.conversation";
    public const int Edition = 1;

    public string Format { get; init; } = Name;

    public int Version { get; init; } = Edition;

    public required string Id { get; init; }

    public string? Title { get; init; }

    public required string Model { get; init; }

    public string? SystemPrompt { get; init; }

    public ChatSettings Settings { get; init; } = new();

    public bool IsPinned { get; init; }

    public bool IsArchived { get; init; }

    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>The name of its folder.</summary>
    public string? Folder { get; init; }

    /// <summary>The last message of the branch that is shown.</summary>
    public string? ActiveLeaf { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>Set where it lies in the bin; who brings it takes it out.</summary>
    public DateTimeOffset? BinnedAt { get; init; }

    /// <summary>All of them, each after the one that it answers.</summary>
    public required IReadOnlyList<MessageFile> Messages { get; init; }
}

internal sealed record MessageFile
{
    public required string Id { get; init; }

    public string? ParentId { get; init; }

    public required string Role { get; init; }

    public string? Model { get; init; }

    [JsonConverter(typeof(CamelCaseConverter<MessageState>))]
    public MessageState State { get; init; } = MessageState.Completed;

    public required IReadOnlyList<PartFile> Parts { get; init; }

    public IReadOnlyList<Attachment> Attachments { get; init; } = [];

    public string? FinishReason { get; init; }

    public ReplyUsage? Usage { get; init; }

    public ReplyError? Error { get; init; }

    public string? EditOf { get; init; }

    public required DateTimeOffset At { get; init; }

    public DateTimeOffset? EndedAt { get; init; }
}

internal sealed record PartFile
{
    [JsonConverter(typeof(CamelCaseConverter<PartKind>))]
    public required PartKind Kind { get; init; }

    public string Text { get; init; } = "";

    public string? CallId { get; init; }

    public string? Name { get; init; }

    public bool IsError { get; init; }

    public int PromptTokens { get; init; }

    public int DroppedMessages { get; init; }

    public static PartFile Of(MessagePart part) => new()
    {
        Kind = part.Kind,
        Text = part.Text,
        CallId = part.CallId,
        Name = part.Name,
        IsError = part.IsError,
        PromptTokens = part.PromptTokens,
        DroppedMessages = part.DroppedMessages,
    };

    public MessagePart ToPart() => new(Kind, Text) { CallId = CallId, Name = Name, IsError = IsError, PromptTokens = PromptTokens, DroppedMessages = DroppedMessages };
}

internal static class ConversationFiles
{
    /// <summary>Deep enough for every conversation, whose tree is a list; deeper JSON is meant to do harm.</summary>
    public const int MostNested = 64;

    /// <summary>How conversations are written and read.</summary>
    public static JsonSerializerOptions Json { get; } = new(JsonSerializerOptions.Web)
    {
        MaxDepth = MostNested,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // it is a file to download, and no page shows it
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        RespectNullableAnnotations = true,
        NumberHandling = JsonNumberHandling.Strict,
        AllowDuplicateProperties = false,
    };
}

/// <summary>Names as the rest of the JSON has them, and no numbers.</summary>
internal sealed class CamelCaseConverter<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.CamelCase, allowIntegerValues: false)
    where T : struct, Enum;
