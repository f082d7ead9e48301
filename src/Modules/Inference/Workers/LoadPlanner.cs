using System.Collections.Concurrent;
using LlmPlatform.Inference.Models;
using Microsoft.Extensions.Options;

namespace LlmPlatform.Inference.Workers;

/// <summary>Finds out how a model is to be loaded and what that takes: from its header, its own settings and those of all models.</summary>
internal sealed class LoadPlanner(ModelFiles files, IModelSettings settings, IOptions<EngineOptions> options)
{
    // A digest means one file for ever, and reading a large vocabulary takes a while.
    private readonly ConcurrentDictionary<string, ModelMemory> headers = new();

    public async Task<LoadPlan> PlanAsync(InstalledModel model, CancellationToken cancellation) =>
        Plan(model.Name, model.Digest, await settings.FindAsync(model.Name, cancellation));

    public LoadPlan Plan(string name, string digest, ModelSettings own)
    {
        var (all, path) = (options.Value, files.PathOf(digest));
        var effective = own with
        {
            ContextTokens = own.ContextTokens ?? all.ContextTokens,
            KvCacheType = own.KvCacheType ?? all.KvCacheType,
            Slots = own.Slots ?? all.Slots,
            Threads = own.Threads ?? all.Threads,
        };
        var keepAlive = ModelSettings.KeepAliveOf(own.KeepAliveMinutes) ?? all.KeepAlive;
        var file = new FileInfo(path);
        return new LoadPlan(name, path, effective, Header(digest, file), file.Exists ? file.Length : 0, keepAlive);
    }

    private ModelMemory? Header(string digest, FileInfo file)
    {
        if (headers.TryGetValue(digest, out var known) || !file.Exists)
        {
            return known;
        }

        try
        {
            return headers[digest] = ModelMemory.Of(GgufFile.Read(file.FullName));
        }
        catch (Exception e) when (e is GgufException or IOException or UnauthorizedAccessException)
        {
            return null; // it was fine when it was installed; the engine says what is wrong with it now
        }
    }
}

/// <summary>Knows what administrators set for a model.</summary>
internal interface IModelSettings
{
    Task<ModelSettings> FindAsync(string name, CancellationToken cancellation);
}
