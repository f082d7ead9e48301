using LlmPlatform.Inference.Presets;
using LlmPlatform.SharedKernel;
using Marten;

namespace LlmPlatform.Inference.Names;

/// <summary>What would stand for nothing if a model or preset were gone.</summary>
internal sealed record Dependants(IReadOnlyList<string> Presets, IReadOnlyList<string> Aliases, bool IsDefault)
{
    public static async Task<Dependants> OfAsync(IQuerySession session, string name, CancellationToken cancellation)
    {
        var presets = await session.Query<Preset>().Where(p => p.Base == name).OrderBy(p => p.Id).Select(p => p.Id).ToListAsync(cancellation);
        string[] gone = [name, .. presets];
        var aliases = await session.Query<ModelName>().Where(n => n.AliasOf.IsOneOf(gone)).OrderBy(n => n.Id).Select(n => n.Id).ToListAsync(cancellation);
        var preferred = await session.LoadAsync<DefaultModel>(DefaultModel.Only, cancellation);
        return new Dependants(presets, aliases, preferred is not null && (gone.Contains(preferred.Name) || aliases.Contains(preferred.Name)));
    }

    /// <summary>Refuses while there are some.</summary>
    public void RefuseAny(string name)
    {
        string[] list = [.. Presets.Select(p => $"preset '{p}'"), .. Aliases.Select(a => $"alias '{a}'"), .. IsDefault ? ["the default model"] : Array.Empty<string>()];
        if (list.Length > 0)
        {
            throw new Refusal(new Error(409, "model.has_dependants", $"'{name}' is still used by: {string.Join(", ", list)}. With cascade=true they go too."));
        }
    }

    public void Delete(IDocumentSession session)
    {
        foreach (var preset in Presets)
        {
            session.Delete<Preset>(preset);
            session.Delete<ModelName>(preset);
        }

        foreach (var alias in Aliases)
        {
            session.Delete<ModelName>(alias);
        }

        if (IsDefault)
        {
            session.Delete<DefaultModel>(DefaultModel.Only);
        }
    }
}
