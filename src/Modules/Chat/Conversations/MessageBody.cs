using System.Text.Json;
using System.Text.Json.Serialization;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Chat.Conversations;

/// <summary>What a message says, in the order in which it came. It is stored only sealed.</summary>
public sealed record MessageBody(IReadOnlyList<MessagePart> Parts)
{
    public IReadOnlyList<Attachment> Attachments { get; init; } = [];

    [JsonIgnore]
    public string Text => string.Concat(Parts.Where(part => part.Kind == PartKind.Text).Select(part => part.Text));

    [JsonIgnore]
    public string? Reasoning => string.Concat(Parts.Where(part => part.Kind == PartKind.Reasoning).Select(part => part.Text)) is { Length: > 0 } text ? text : null;

    /// <summary>Messages that were left out of the last prompt.</summary>
    [JsonIgnore]
    public int DroppedMessages => Parts.LastOrDefault(part => part.Kind == PartKind.Context)?.DroppedMessages ?? 0;

    public static MessageBody Of(string text) => new([new MessagePart(PartKind.Text, text)]);
}

/// <summary>A file that came with a message.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Content">Its text.</param>
public sealed record Attachment(string Name, string Content);

[JsonConverter(typeof(JsonStringEnumConverter<PartKind>))]
public enum PartKind
{
    Text,
    Reasoning,

    /// <summary>What the model asked to be called; its text is the arguments.</summary>
    ToolCall,

    /// <summary>What came back.</summary>
    ToolResult,

    /// <summary>A prompt was taken: how many tokens it has, and how many messages had no room.</summary>
    Context,

    /// <summary>The reply broke off here and was continued.</summary>
    Continued,
}

/// <summary>
/// A piece of a message. Texts have a length, and everything else counts as one: added up, that is a place in the message, and the id of the event that
/// ends there. So the same message has the same ids in memory, in the table of pieces and for ever after.
/// </summary>
public sealed record MessagePart(PartKind Kind, string Text)
{
    public string? CallId { get; init; }

    /// <summary>The function.</summary>
    public string? Name { get; init; }

    public bool IsError { get; init; }

    public int PromptTokens { get; init; }

    public int DroppedMessages { get; init; }

    [JsonIgnore]
    public bool IsText => Kind is PartKind.Text or PartKind.Reasoning;

    [JsonIgnore]
    public int Length => IsText ? Text.Length : 1;
}

/// <summary>Personal text of conversations, sealed with the key of their owner.</summary>
internal static class Sealing
{
    private static readonly JsonSerializerOptions Compact = new(JsonSerializerOptions.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault };

    public static ValueTask<string> SealBodyAsync(this SubjectVault vault, Guid owner, MessageBody body, CancellationToken cancellation) => vault.SealJsonAsync(owner, body, cancellation);

    public static ValueTask<string> SealJsonAsync<T>(this SubjectVault vault, Guid owner, T value, CancellationToken cancellation) =>
        vault.SealAsync(owner, JsonSerializer.Serialize(value, Compact), cancellation);

    /// <summary>Null where there is nothing, or the owner was erased.</summary>
    public static async ValueTask<T?> OpenJsonAsync<T>(this SubjectVault vault, Guid owner, string? text, CancellationToken cancellation)
        where T : class =>
        text is not null && await vault.OpenAsync(owner, text, cancellation) is { } json ? JsonSerializer.Deserialize<T>(json, Compact) : null;

    public static async ValueTask<MessageBody> OpenBodyAsync(this SubjectVault vault, Guid owner, Message message, CancellationToken cancellation) =>
        await vault.OpenJsonAsync<MessageBody>(owner, message.SealedBody, cancellation) ?? new MessageBody([]);

    public static async ValueTask<string?> SealOrNullAsync(this SubjectVault vault, Guid owner, string? text, CancellationToken cancellation) =>
        string.IsNullOrWhiteSpace(text) ? null : await vault.SealAsync(owner, text.Trim(), cancellation);

    public static async ValueTask<string?> OpenOrNullAsync(this SubjectVault vault, Guid owner, string? text, CancellationToken cancellation) =>
        text is null ? null : await vault.OpenAsync(owner, text, cancellation);
}
