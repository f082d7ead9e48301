using Microsoft.Extensions.Configuration;

namespace LlmPlatform.Inference.Models;

/// <summary>Where model files lie: finished ones under their digest, unfinished ones under the id of their install.</summary>
public sealed class ModelFiles(IConfiguration configuration)
{
    private string Root => configuration["Inference:ModelsPath"] ?? Path.Combine(configuration["Data:Path"]!, "models");

    private string Blobs => Path.Combine(Root, "blobs");

    private string Partials => Path.Combine(Root, "tmp");

    /// <summary>The file of a digest (<c>sha256:…</c>), whether it is there or not.</summary>
    public string PathOf(string digest) => Path.Combine(Blobs, digest.Replace(':', '-'));

    public string PartialOf(Guid installId) => Path.Combine(Partials, $"{installId:n}.partial");

    public IEnumerable<string> AllPartials() => Directory.Exists(Partials) ? Directory.EnumerateFiles(Partials, "*.partial") : [];

    /// <summary>Bytes that can still be written where models lie.</summary>
    public long FreeBytes()
    {
        CreateFolders();
        return new DriveInfo(Path.GetFullPath(Root)).AvailableFreeSpace;
    }

    public void CreateFolders()
    {
        Directory.CreateDirectory(Blobs);
        Directory.CreateDirectory(Partials);
    }
}
