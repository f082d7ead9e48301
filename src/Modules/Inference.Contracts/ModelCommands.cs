using System.Text.Json.Serialization;

namespace LlmPlatform.Inference.Contracts;

/// <summary>Install a model. It shows as an install of this id; where it is refused, as one that failed.</summary>
/// <param name="InstallId">Chosen by whoever asks; a second delivery changes nothing.</param>
/// <param name="Source">Such as <c>hf://owner/repository/file.gguf</c>.</param>
/// <param name="Name">What it is to be called; null for a name made of the source.</param>
/// <param name="Sha256">The digest it must have, 64 hexadecimal digits; null where that is not known.</param>
/// <param name="By">The administrator who wants it.</param>
public sealed record InstallModel(Guid InstallId, string Source, string? Name, string? Sha256, Guid By);

/// <summary>Delete an installed model or a preset.</summary>
/// <param name="CommandId">Names this wish in <see cref="ModelCommandRefused"/>.</param>
/// <param name="Name">Which.</param>
/// <param name="Cascade">Also what depends on it; otherwise that is a reason to refuse.</param>
/// <param name="By">The administrator who wants it.</param>
public sealed record DeleteModel(Guid CommandId, string Name, bool Cascade, Guid By);

/// <summary>Load a model before anybody uses it; also ends its rest after failures.</summary>
/// <param name="CommandId">Names this wish in <see cref="ModelCommandRefused"/>.</param>
/// <param name="Name">Which.</param>
/// <param name="By">The administrator who wants it.</param>
public sealed record LoadModel(Guid CommandId, string Name, Guid By);

/// <summary>End a model's worker after the requests that run, so that its memory comes back.</summary>
/// <param name="CommandId">Names this wish in <see cref="ModelCommandRefused"/>.</param>
/// <param name="Name">Which.</param>
/// <param name="By">The administrator who wants it.</param>
public sealed record UnloadModel(Guid CommandId, string Name, Guid By);

/// <summary>Change how a model is run, from its next load on.</summary>
/// <param name="CommandId">Names this wish in <see cref="ModelCommandRefused"/>.</param>
/// <param name="Name">Which.</param>
/// <param name="Change">What changes.</param>
/// <param name="By">The administrator who wants it.</param>
public sealed record ConfigureModel(Guid CommandId, string Name, ModelChange Change, Guid By);

/// <summary>Changes to how a model is run. What is left out stays as it is; what <c>reset</c> names goes back to the platform's choice.</summary>
/// <param name="ContextTokens">Tokens that one conversation may have.</param>
/// <param name="KvCacheType">How the KV cache stores its numbers.</param>
/// <param name="KeepAliveMinutes">How long a model that nobody uses stays loaded: 0 not at all, -1 for ever.</param>
/// <param name="Slots">Conversations that are computed together.</param>
/// <param name="Threads">Threads that compute.</param>
/// <param name="Pinned">Loaded from the start on, and never ended to make room.</param>
/// <param name="Reset">Names of the fields above.</param>
public sealed record ModelChange(
    int? ContextTokens = null,
    KvCacheType? KvCacheType = null,
    int? KeepAliveMinutes = null,
    int? Slots = null,
    int? Threads = null,
    bool? Pinned = null,
    IReadOnlyList<string>? Reset = null);

/// <summary>How the KV cache stores its numbers: a half, or less at some cost in quality.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<KvCacheType>))]
public enum KvCacheType
{
    /// <summary>16 bits each.</summary>
    [JsonStringEnumMemberName("f16")]
    F16,

    /// <summary>8.5 bits each.</summary>
    [JsonStringEnumMemberName("q8_0")]
    Q8,

    /// <summary>4.5 bits each.</summary>
    [JsonStringEnumMemberName("q4_0")]
    Q4,
}

/// <summary>A command that came by message was not carried out.</summary>
/// <param name="CommandId">The command's.</param>
/// <param name="Name">The model.</param>
/// <param name="Code">Why, as a stable code.</param>
/// <param name="Message">Why, as a sentence.</param>
/// <param name="At">When.</param>
public sealed record ModelCommandRefused(Guid CommandId, string Name, string Code, string Message, DateTimeOffset At);
