using System.Collections.Concurrent;
using Grpc.Core;
using LlmPlatform.Inference.Engine.Generation;
using LlmPlatform.Inference.Engine.Llama;
using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Engine;

/// <summary>The wire: requests of the host go to the worker, its news go back. All requests of a call end with it.</summary>
internal sealed class Service(Worker worker, IHostApplicationLifetime lifetime) : Protocol.Engine.EngineBase
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(1);

    public override async Task Run(IAsyncStreamReader<HostFrame> requestStream, IServerStreamWriter<WorkerFrame> responseStream, ServerCallContext context)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        var requests = new ConcurrentDictionary<ulong, EngineRequest>();
        var outbox = new Outbox();
        var reading = ReadAsync(requestStream, outbox, requests, ends.Token);
        var writing = WriteAsync(responseStream, outbox, requests, ends.Token);
        try
        {
            await await Task.WhenAny(reading, writing);
        }
        catch (Exception problem) when (problem is OperationCanceledException or IOException)
        {
            // The host has gone or the worker stops: the same as a call that ends.
        }
        finally
        {
            foreach (var request in requests.Values)
            {
                worker.Cancel(request);
            }

            await ends.CancelAsync();
            await Task.WhenAll(reading, writing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ReadAsync(
        IAsyncStreamReader<HostFrame> frames, Outbox outbox, ConcurrentDictionary<ulong, EngineRequest> requests, CancellationToken cancellation)
    {
        while (await frames.MoveNext(cancellation))
        {
            switch (frames.Current)
            {
                case { Submit: { } submit }:
                    var request = RequestOf(submit, outbox);
                    if (!requests.TryAdd(submit.Id, request))
                    {
                        throw new RpcException(new Status(StatusCode.InvalidArgument, $"Request {submit.Id} was sent twice."));
                    }

                    worker.Submit(request);
                    break;
                case { Cores.Most: > 0 and var most }:
                    worker.LimitThreads((int)most);
                    break;
                case { Cancel: { } cancel } when requests.TryGetValue(cancel.Id, out var cancelled):
                    worker.Cancel(cancelled);
                    break;
            }
        }
    }

    private async Task WriteAsync(
        IServerStreamWriter<WorkerFrame> frames, Outbox outbox, ConcurrentDictionary<ulong, EngineRequest> requests, CancellationToken cancellation)
    {
        if (!await ReportLoadingAsync(frames, cancellation))
        {
            return;
        }

        var language = (await worker.Loaded).Language;
        var computed = 0L;
        var hasDescribed = false;
        while (true)
        {
            var step = await outbox.ReadAsync(Heartbeat, cancellation);
            if (!hasDescribed && language.IsCompletedSuccessfully)
            {
                await frames.WriteAsync(new WorkerFrame { ChatTemplate = Describe(await language) }, cancellation);
                hasDescribed = true;
            }

            var load = worker.Meter.Take();
            if (step is null)
            {
                // A long step says nothing; that it goes on is news.
                var progress = worker.StepProgress;
                if (load is null && progress == computed)
                {
                    continue;
                }

                (computed, step) = (progress, new Step());
            }

            step.Load = load;
            foreach (var news in step.Events)
            {
                if (news.NewsCase is Event.NewsOneofCase.Finished or Event.NewsOneofCase.Failed)
                {
                    requests.TryRemove(news.Id, out _);
                }
            }

            await frames.WriteAsync(new WorkerFrame { Step = step }, cancellation);
        }
    }

    private async Task<bool> ReportLoadingAsync(IServerStreamWriter<WorkerFrame> frames, CancellationToken cancellation)
    {
        var reported = -1f;
        while (!worker.Loaded.IsCompleted)
        {
            var progress = worker.Progress;
            if (progress > reported)
            {
                reported = progress;
                await frames.WriteAsync(new WorkerFrame { Loading = new Loading { Progress = progress } }, cancellation);
            }

            await Task.WhenAny(worker.Loaded, Task.Delay(ProgressInterval, cancellation));
            cancellation.ThrowIfCancellationRequested();
        }

        try
        {
            await frames.WriteAsync(new WorkerFrame { Ready = Describe(await worker.Loaded) }, cancellation);
            return true;
        }
        catch (ModelLoadException problem)
        {
            var failed = new LoadFailed { Code = problem.Code, Message = problem.Message };
            await frames.WriteAsync(new WorkerFrame { LoadFailed = failed }, cancellation);
            return false;
        }
    }

    private static Ready Describe(LoadedModel loaded) => new()
    {
        LlamaVersion = loaded.LlamaVersion,
        Architecture = loaded.Model.Architecture,
        Description = loaded.Model.Description,
        Parameters = loaded.Model.Parameters,
        WeightsBytes = loaded.Model.WeightsBytes,
        ContextTokens = (uint)loaded.Layout.ContextTokens,
        TrainedContextTokens = (uint)loaded.Model.TrainedContextTokens,
        VocabularyTokens = (uint)loaded.Model.Vocabulary.Size,
        Threads = (uint)loaded.DecodeThreads.Threads,
        Generates = loaded.Generates,
        EmbeddingDimensions = (uint)loaded.Model.EmbeddingDimensions,
    };

    private static ChatTemplate Describe(ChatLanguage language) => new()
    {
        IsOwn = language.IsOwn,
        Problem = language.Problem ?? "",
        Format = language.FormatName,
        System = language.Capabilities.System,
        Tools = language.Capabilities.Tools,
        ThinkingSwitch = language.Capabilities.ThinkingSwitch is not null,
        Reasoning = language.Thinks,
    };

    private static EngineRequest RequestOf(Submit submit, Outbox outbox) =>
        TextRequest.IsOne(submit) ? new TextRequest(submit, outbox)
        : submit.Embed is not null ? new EmbeddingRequest(submit, outbox)
        : new Sequence(submit, outbox);
}
