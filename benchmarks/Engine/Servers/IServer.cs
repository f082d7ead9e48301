namespace LlmPlatform.Benchmarks.Servers;

/// <summary>One of the sides that are compared.</summary>
internal interface IServer
{
    string Name { get; }

    /// <summary>For the first person, who asks almost always.</summary>
    OpenAiEndpoint Endpoint { get; }

    /// <summary>For somebody else, whose requests should not suffer from the first one's.</summary>
    OpenAiEndpoint OtherPerson { get; }

    /// <summary>How many sequences run at this moment; null where the server does not say.</summary>
    Task<int?> RunningAsync();
}
