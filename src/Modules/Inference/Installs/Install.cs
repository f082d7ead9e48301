namespace LlmPlatform.Inference.Installs;

public sealed record InstallRequested(Guid InstallId, string Name, string Source, string? Sha256, Guid By, DateTimeOffset At)
{
    /// <summary>What an upload is going to have; null for what is fetched.</summary>
    public long? SizeBytes { get; init; }
}

/// <summary>It is known where the file is, and as far as anybody says so, what it is.</summary>
public sealed record InstallLocated(Guid InstallId, FileLocation Location, DateTimeOffset At);

public sealed record InstallPaused(Guid InstallId, Guid By, DateTimeOffset At);

public sealed record InstallResumed(Guid InstallId, Guid By, DateTimeOffset At);

public sealed record InstallSucceeded(Guid InstallId, string Digest, long SizeBytes, DateTimeOffset At);

public sealed record InstallFailed(Guid InstallId, string Code, string Message, DateTimeOffset At)
{
    /// <summary>What is here of the file is of use for another try.</summary>
    public bool CanResume { get; init; }
}

public sealed record InstallCancelled(Guid InstallId, Guid By, DateTimeOffset At);

public enum InstallState
{
    Queued,
    Running,
    Paused,
    Succeeded,
    Failed,
    Cancelled,
}

/// <summary>Why an install failed.</summary>
public sealed record InstallError(string Code, string Message);

/// <summary>Where a file is.</summary>
/// <param name="Key">Installs with the same one want the same file: its digest where that is known.</param>
/// <param name="Address">What to read; null for an upload.</param>
/// <param name="Digest"><c>sha256:</c> and 64 hexadecimal digits, where somebody said so.</param>
/// <param name="SizeBytes">Its size, where somebody said so.</param>
public sealed record FileLocation(string Key, string? Address, string? Digest, long? SizeBytes);

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

    /// <summary>Null until it is found.</summary>
    public FileLocation? Location { get; init; }

    /// <summary>The location's, for queries.</summary>
    public string? Key { get; init; }

    public long? SizeBytes { get; init; }

    public InstallError? Error { get; init; }

    /// <summary>What is here of the file is of use for another try.</summary>
    public bool CanResume { get; init; }

    public DateTimeOffset RequestedAt { get; init; }

    public DateTimeOffset? OverAt { get; init; }

    public bool IsUpload => Source.StartsWith(InstallSources.Upload, StringComparison.Ordinal);

    public static Install Create(InstallRequested e) => new()
    {
        Id = e.InstallId,
        Name = e.Name,
        Source = e.Source,
        Sha256 = e.Sha256,
        By = e.By,
        RequestedAt = e.At,
    };

    public Install Apply(InstallLocated e) => this with { Location = e.Location, Key = e.Location.Key };

    public Install Apply(InstallPaused _) => this with { State = InstallState.Paused };

    public Install Apply(InstallResumed _) => this with { State = InstallState.Queued, Error = null, CanResume = false, OverAt = null };

    public Install Apply(InstallSucceeded e) => this with { State = InstallState.Succeeded, SizeBytes = e.SizeBytes, OverAt = e.At };

    public Install Apply(InstallFailed e) =>
        this with { State = InstallState.Failed, Error = new InstallError(e.Code, e.Message), CanResume = e.CanResume, OverAt = e.At };

    public Install Apply(InstallCancelled e) => this with { State = InstallState.Cancelled, CanResume = false, OverAt = e.At };
}
