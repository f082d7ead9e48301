using LlmPlatform.SharedKernel;

namespace LlmPlatform.Explore.Hub;

/// <summary>The hub gave no answer that can be used, with a stable code.</summary>
internal sealed class HubException(int status, string code, string message) : Exception(message)
{
    public int Status { get; } = status;

    public string Code { get; } = code;

    /// <summary>How long it asked to be left alone.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The hub knows it and says no; what it said before does not count any more.</summary>
    public bool IsFinal => Code == "hub.not_found";

    /// <summary>It was not even asked, which says nothing of the next time.</summary>
    public bool IsPassing => Code == "hub.busy";

    public static HubException Busy() => new(503, "hub.busy", "Too many questions wait for the hub. Ask again in a moment.") { RetryAfter = TimeSpan.FromSeconds(2) };

    public static HubException Off() => new(503, "hub.off", "An operator switched the hub off with Hub:Endpoint.");

    public static HubException NotFound() => new(404, "hub.not_found", "The hub has no such model, or shows it to nobody.");

    public static HubException Answer() => new(502, "hub.answer", "The hub answered with something that cannot be read.");

    public static HubException Unreachable(string message) => new(503, "hub.unreachable", message);

    public Refusal ToRefusal() => new(new Error(Status, Code, Message) { RetryAfter = RetryAfter });
}
