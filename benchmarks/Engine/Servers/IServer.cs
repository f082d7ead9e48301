namespace LlmPlatform.Benchmarks.Servers;

/// <summary>One of the sides that are compared.</summary>
internal interface IServer
{
    string Name { get; }

    /// <summary>For the first person, who asks almost always.</summary>
    OpenAiEndpoint Endpoint { get; }

    /// <summary>For somebody else, whose requests should not suffer from the first one's.</summary>
    OpenAiEndpoint OtherPerson { get; }

    /// <summary>What the server counts of its engine. Throws where it does not.</summary>
    Task<EngineCounters> CountersAsync();
}

/// <param name="Cancels">Requests whose readers left.</param>
/// <param name="CancelSeconds">What it took in all until their slots were free.</param>
/// <param name="Steps">Steps that were computed.</param>
/// <param name="StepSeconds">What they took in all.</param>
internal readonly record struct EngineCounters(double Cancels, double CancelSeconds, double Steps, double StepSeconds);
