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
        var sequences = new ConcurrentDictionary<ulong, Sequence>();
        var outbox = new Outbox();
        var reading = ReadAsync(requestStream, outbox, sequences, ends.Token);
        var writing = WriteAsync(responseStream, outbox, sequences, ends.Token);
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
            foreach (var sequence in sequences.Values)
            {
                worker.Cancel(sequence);
            }

            await ends.CancelAsync();
            await Task.WhenAll(reading, writing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ReadAsync(
        IAsyncStreamReader<HostFrame> requests, Outbox outbox, ConcurrentDictionary<ulong, Sequence> sequences, CancellationToken cancellation)
    {
        while (await requests.MoveNext(cancellation))
        {
            switch (requests.Current)
            {
                case { Submit: { } submit }:
                    var sequence = new Sequence(submit, outbox);
                    if (!sequences.TryAdd(submit.Id, sequence))
                    {
                        throw new RpcException(new Status(StatusCode.InvalidArgument, $"Request {submit.Id} was sent twice."));
                    }

                    worker.Submit(sequence);
                    break;
                case { Cores.Most: > 0 and var most }:
                    worker.LimitThreads((int)most);
                    break;
                case { Cancel: { } cancel } when sequences.TryGetValue(cancel.Id, out var cancelled):
                    worker.Cancel(cancelled);
                    break;
            }
        }
    }

    private async Task WriteAsync(
        IServerStreamWriter<WorkerFrame> frames, Outbox outbox, ConcurrentDictionary<ulong, Sequence> sequences, CancellationToken cancellation)
    {
        if (!await ReportLoadingAsync(frames, cancellation))
        {
            return;
        }

        var computed = 0L;
        while (true)
        {
            var step = await outbox.ReadAsync(Heartbeat, cancellation);
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
                    sequences.TryRemove(news.Id, out _);
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
        HasChatTemplate = loaded.Model.ChatTemplate is not null,
        Threads = (uint)loaded.DecodeThreads.Threads,
    };
}
