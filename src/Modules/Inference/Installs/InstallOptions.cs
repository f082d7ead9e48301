namespace LlmPlatform.Inference.Installs;

/// <summary>Configuration section <c>Inference</c>, as far as installs read it.</summary>
public sealed class InstallOptions
{
    /// <summary>What a kill can cost: so many bytes of a file are written between two points from which its download goes on.</summary>
    public int DownloadChunkBytes { get; set; } = 8 << 20;

    /// <summary>Tries in a row that brought nothing before an install fails.</summary>
    public int DownloadRetries { get; set; } = 5;

    /// <summary>Before the second try; it doubles from try to try.</summary>
    public TimeSpan DownloadRetryDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>A source that sends less than 1 KiB a second for so long counts as stalled.</summary>
    public TimeSpan DownloadSilence { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a failed install keeps what it has, so that it can go on.</summary>
    public TimeSpan KeepFailed { get; set; } = TimeSpan.FromDays(7);

    /// <summary>Where the models of <c>ollama://</c> are.</summary>
    public string OllamaEndpoint { get; set; } = "https://registry.ollama.ai";
}
