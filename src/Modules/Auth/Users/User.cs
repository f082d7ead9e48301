using System.Text.Json.Serialization;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Auth.Users;

public sealed record UserRegistered(Guid UserId, string SealedEmail, string SealedName, string Role, Guid By, DateTimeOffset At);

public sealed record UserRenamed(Guid UserId, string SealedName, DateTimeOffset At);

public sealed record UserEmailChanged(Guid UserId, string SealedEmail, Guid By, DateTimeOffset At);

public sealed record UserRoleChanged(Guid UserId, string Role, Guid By, DateTimeOffset At);

public sealed record UserDisabled(Guid UserId, Guid By, DateTimeOffset At);

public sealed record UserEnabled(Guid UserId, Guid By, DateTimeOffset At);

public sealed record UserJoinedGroup(Guid UserId, string Group, Guid By, DateTimeOffset At);

public sealed record UserLeftGroup(Guid UserId, string Group, Guid By, DateTimeOffset At);

public sealed record UserErased(Guid UserId, Guid By, DateTimeOffset At);

/// <summary>Somebody who may sign in. What is personal is sealed with the person's own key and opened only to be shown.</summary>
public sealed partial record User
{
    public Guid Id { get; init; }

    public required string SealedEmail { get; init; }

    public required string SealedName { get; init; }

    public required string Role { get; init; }

    public bool IsDisabled { get; init; }

    /// <summary>Keys of the groups that the person is in.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    public DateTimeOffset RegisteredAt { get; init; }

    [JsonIgnore]
    public bool IsActiveAdministrator => Role == Roles.Administrator && !IsDisabled;

    public static User Create(UserRegistered e) => new()
    {
        Id = e.UserId,
        SealedEmail = e.SealedEmail,
        SealedName = e.SealedName,
        Role = e.Role,
        RegisteredAt = e.At,
    };

    public User Apply(UserRenamed e) => this with { SealedName = e.SealedName };

    public User Apply(UserEmailChanged e) => this with { SealedEmail = e.SealedEmail };

    public User Apply(UserRoleChanged e) => this with { Role = e.Role };

    public User Apply(UserDisabled _) => this with { IsDisabled = true };

    public User Apply(UserEnabled _) => this with { IsDisabled = false };

    public User Apply(UserJoinedGroup e) => this with { Groups = [.. Groups.Except([e.Group]), e.Group] };

    public User Apply(UserLeftGroup e) => this with { Groups = [.. Groups.Except([e.Group])] };

    /// <summary>Of somebody who was erased nothing is left but the events, whose personal text nobody can open.</summary>
    public static bool ShouldDelete(UserErased _) => true;
}
