using System.Text;
using System.Text.Json;
using LlmPlatform.Chat.Contracts;
using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.Chat.Notifications;

/// <summary>Something that the open pages of a person should know of. Titles and texts are personal and not in it: a page asks for them.</summary>
/// <param name="UserId">Whose pages.</param>
/// <param name="Event">What a page listens for.</param>
/// <param name="Data">A JSON object.</param>
internal sealed record Notice(Guid UserId, string Event, JsonElement Data)
{
    /// <summary>PostgreSQL's channel that leads to every host; a message on it has 8000 bytes at most.</summary>
    public const string Channel = "chat_notices";

    /// <summary>The first event of a stream: from here on nothing is missed, and what was before is in the lists.</summary>
    public static readonly Notice Ready = Of(Guid.Empty, "ready", new { });

    /// <summary>Notices may have been missed: the page reads its lists again.</summary>
    public static readonly Notice Resync = Of(Guid.Empty, "resync", new { });

    private readonly Lazy<byte[]> lines = new(() => Encoding.UTF8.GetBytes($"event: {Event}\ndata: {Data.GetRawText()}\n\n"));

    /// <summary>As it stands in a stream of events, but for its number.</summary>
    public ReadOnlyMemory<byte> Lines => lines.Value;

    public static Notice Of(ConversationChanged changed) =>
        Of(changed.UserId, "conversation", new { changed.ConversationId, changed.Version, changed.What, changed.MessageId, changed.At });

    public static Notice Of(ModelInstalled installed) =>
        Of(installed.InstalledBy, "install", new { kind = "install.finished", installed.InstallId, model = installed.Name, installed.At });

    public string ToJson() => JsonSerializer.Serialize(new { UserId, Event, Data }, JsonSerializerOptions.Web);

    public static Notice Read(string json)
    {
        var fields = JsonElement.Parse(json);
        return new Notice(fields.GetProperty("userId").GetGuid(), fields.GetProperty("event").GetString()!, fields.GetProperty("data"));
    }

    private static Notice Of<T>(Guid userId, string name, T data) => new(userId, name, JsonSerializer.SerializeToElement(data, JsonSerializerOptions.Web));
}
