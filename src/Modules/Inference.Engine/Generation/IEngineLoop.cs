namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>What computes requests, on the one thread that touches the model. All but <see cref="Run"/> may be called from any thread.</summary>
internal interface IEngineLoop
{
    /// <summary>Grows while a step is being computed.</summary>
    long Progress { get; }

    void Submit(EngineRequest request);

    /// <summary>Cores that the model may use from the next step on.</summary>
    void LimitThreads(int most);

    /// <summary>To be called after cancelling.</summary>
    void AbortUselessStep();

    /// <summary>Never returns.</summary>
    void Run();
}
