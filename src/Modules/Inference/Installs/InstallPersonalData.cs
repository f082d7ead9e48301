using LlmPlatform.Auth.Contracts;
using Marten;

namespace LlmPlatform.Inference.Installs;

/// <summary>The installs that a person asked for.</summary>
internal sealed class InstallPersonalData(IInferenceStore store) : IPersonalData
{
    public async Task<IReadOnlyList<PersonalFile>> ExportAsync(Guid userId, CancellationToken cancellation)
    {
        await using var session = store.QuerySession();
        var installs = await session.Query<Install>().Where(install => install.By == userId).OrderBy(install => install.Id).ToListAsync(cancellation);
        return [PersonalFile.Of("inference/installs.json", installs.Select(install => new { install.Id, install.Name, install.Source, install.RequestedAt }))];
    }
}
