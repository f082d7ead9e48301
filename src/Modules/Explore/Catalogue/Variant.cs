namespace LlmPlatform.Explore.Catalogue;

/// <summary>One file of a model, or several that are one.</summary>
/// <param name="File">Its path in the repository; null where it is not known.</param>
/// <param name="Quantisation">Such as <c>Q4_K_M</c>; null where nothing says so.</param>
/// <param name="SizeBytes">All its parts together; null where nobody said it.</param>
/// <param name="SizeIsRounded">The size was rounded, or worked out from the number of weights.</param>
/// <param name="Sha256">Digest of the file, where it is known.</param>
/// <param name="Parts">Files that it is split over; one that is split cannot be installed.</param>
public sealed record Variant(string? File, string? Quantisation, long? SizeBytes, bool SizeIsRounded, string? Sha256, int Parts)
{
    /// <summary>What an install takes as its source; null where it cannot be installed.</summary>
    internal string? SourceIn(string? hub) => hub is null || File is null || Parts != 1 ? null : $"hf://{hub}/{File}";
}
