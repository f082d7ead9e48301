using LlmPlatform.Inference.Models;

namespace LlmPlatform.Inference.Installs;

/// <summary>Looks at the header of a file while it comes in: what is no model is refused after its first bytes, and the header says where the file ends.</summary>
internal sealed class HeaderWatch(PartialFile partial)
{
    private long next = 64; // enough to see a web page
    private bool isKnown;

    /// <summary>Where the file ends by its header; null while that is not here yet.</summary>
    public long? EndsAt { get; private set; }

    /// <exception cref="InstallException">It is no model.</exception>
    public void Look(long? totalBytes)
    {
        if (isKnown || partial.Position < next)
        {
            return;
        }

        next = Math.Max(1 << 20, partial.Position * 2);
        try
        {
            using var stream = new FileStream(partial.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            var file = GgufFile.Read(stream, totalBytes ?? long.MaxValue / 2);
            isKnown = true;
            EndsAt = file.EndsAt;
        }
        catch (GgufException early) when (early.Code == GgufCodes.Truncated && partial.Position < totalBytes.GetValueOrDefault(long.MaxValue))
        {
            // The rest of the header is still on its way.
        }
        catch (GgufException refused)
        {
            throw new InstallException(refused.Code, refused.Message);
        }
    }
}
