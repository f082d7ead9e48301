namespace LlmPlatform.Inference.Installs;

public sealed record InstallRequested(Guid InstallId, string Name, string Source, string? Sha256, Guid By, DateTimeOffset At);

public sealed record InstallSucceeded(Guid InstallId, string Digest, long SizeBytes, DateTimeOffset At);

public sealed record InstallFailed(Guid InstallId, string Code, string Message, DateTimeOffset At);

public sealed record InstallCancelled(Guid InstallId, Guid By, DateTimeOffset At);

public enum InstallState
{
    Queued,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

/// <summary>Why an install failed.</summary>
public sealed record InstallError(string Code, string Message);

/// <summary>A model on its way in. Its progress is no event: it changes too often and is worth nothing afterwards.</summary>
public sealed partial record Install
{
    public Guid Id { get; init; }

    public required string Name { get; init; }

    public required string Source { get; init; }

    /// <summary>The digest that the caller expects, 64 hexadecimal digits.</summary>
    public string? Sha256 { get; init; }

    public Guid By { get; init; }

    public InstallState State { get; init; }

    public long? SizeBytes { get; init; }

    public InstallError? Error { get; init; }

    public DateTimeOffset RequestedAt { get; init; }

    public static Install Create(InstallRequested e) => new()
    {
        Id = e.InstallId,
        Name = e.Name,
        Source = e.Source,
        Sha256 = e.Sha256,
        By = e.By,
        RequestedAt = e.At,
    };

    public Install Apply(InstallSucceeded e) => this with { State = InstallState.Succeeded, SizeBytes = e.SizeBytes };

    public Install Apply(InstallFailed e) => this with { State = InstallState.Failed, Error = new InstallError(e.Code, e.Message) };

    public Install Apply(InstallCancelled _) => this with { State = InstallState.Cancelled };
}
