using System.Text.Json;
using LlmPlatform.Auth.Contracts;
using Marten;

namespace LlmPlatform.Inference.Installs;

/// <summary>The installs that a person asked for.</summary>
internal sealed class InstallPersonalData(IInferenceStore store) : IPersonalData
{
    private static readonly JsonSerializerOptions Readable = new(JsonSerializerOptions.Web) { WriteIndented = true };

    public async Task<IReadOnlyList<PersonalFile>> ExportAsync(Guid userId, CancellationToken cancellation)
    {
        await using var session = store.QuerySession();
        var installs = await session.Query<Install>().Where(install => install.By == userId).OrderBy(install => install.Id).ToListAsync(cancellation);
        return [new PersonalFile("inference/installs.json", JsonSerializer.Serialize(installs.Select(install => new { install.Id, install.Name, install.Source, install.RequestedAt }), Readable))];
    }
}
