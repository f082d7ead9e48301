namespace LlmPlatform.Chat.Tools;

/// <summary>Somebody lets models call tools of a server in their name. It ends with the server, and when the server moves to another address.</summary>
public sealed record ToolConsent
{
    /// <summary>Stands for every tool, those to come included.</summary>
    public const string Everything = "*";

    public required string Id { get; init; }

    public required Guid UserId { get; init; }

    public required string Server { get; init; }

    /// <summary>Names as the server gives them, or <see cref="Everything"/> alone.</summary>
    public required IReadOnlyList<string> Tools { get; init; }

    public required DateTimeOffset At { get; init; }

    public static string IdOf(Guid userId, string server) => $"{userId:n}:{server}";

    public bool Covers(string tool) => Tools.Contains(Everything) || Tools.Contains(tool);
}
