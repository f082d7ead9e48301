namespace LlmPlatform.Auth.Setup;

/// <summary>Whether the first administrator is still to come. There is one such document, and once closed it stays closed.</summary>
public sealed record SetupState
{
    public const string Only = "setup";

    /// <summary>Held while the state is read and closed, so that one of two racers finds it closed.</summary>
    public const string Lock = "auth:setup";

    public string Id { get; init; } = Only;

    public byte[]? TokenHash { get; init; }

    public DateTimeOffset? ClosedAt { get; init; }

    public bool IsClosed => ClosedAt is not null;
}
