namespace LlmPlatform.Inference.Contracts;

/// <summary>Who asks for a model, with all that decides which ones they may use.</summary>
/// <param name="Id">Who it is: fairness, reuse and accounting stay inside it.</param>
/// <param name="Role">What they are.</param>
public sealed record ModelUser(Guid Id, string Role)
{
    /// <summary>The groups they are in.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>The names that their API key is limited to; none for no limit.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];

    /// <summary>Whether models are theirs to manage, so that they see every one.</summary>
    public bool ManagesModels { get; init; } = Role == "administrator";

    /// <summary>The API key they ask by, where it is one: its budget counts too.</summary>
    public Guid? ApiKeyId { get; init; }
}

/// <summary>Who may use a model, besides administrators. For the others it does not exist.</summary>
/// <param name="Everyone">Everybody, whatever the lists say.</param>
/// <param name="Roles">Those of these roles.</param>
/// <param name="Users">These people.</param>
/// <param name="Groups">Those in one of these groups.</param>
public sealed record ModelRights(bool Everyone, IReadOnlyList<string> Roles, IReadOnlyList<Guid> Users, IReadOnlyList<string> Groups)
{
    /// <summary>How a model begins.</summary>
    public static ModelRights ForEveryone { get; } = new(true, [], [], []);

    /// <summary>Whether these rights let somebody in.</summary>
    public bool Allow(ModelUser user) => Everyone || Roles.Contains(user.Role) || Users.Contains(user.Id) || user.Groups.Any(Groups.Contains);
}
