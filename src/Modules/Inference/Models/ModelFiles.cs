namespace LlmPlatform.Inference.Models;

/// <summary>Where the files of models are: blobs named by their digest.</summary>
public sealed class ModelFiles(string root)
{
    public string PathOf(string digest) => Path.Combine(root, "blobs", digest.Replace(':', '-'));
}
