using LlmPlatform.Inference.Models;

namespace LlmPlatform.Inference.Workers;

// A model that is to stay.
internal sealed partial class ModelSlot
{
    private InstalledModel? pinned;

    /// <summary>The model that is to be here always; null where it comes and goes.</summary>
    public InstalledModel? Pinned
    {
        get
        {
            lock (gate)
            {
                return pinned;
            }
        }

        set
        {
            lock (gate)
            {
                pinned = value;
            }
        }
    }

    public long PinnedBytes
    {
        get
        {
            lock (gate)
            {
                return pinned is not null && post is { Worker.End: null } ? post.Grant.Bytes : 0;
            }
        }
    }

    /// <summary>A pinned model that nothing runs for, and that may be started; null otherwise.</summary>
    public InstalledModel? Missing
    {
        get
        {
            lock (gate)
            {
                return !isClosed && pinned is not null && post is null or { Worker.End: not null } && history.Quarantine(time.GetUtcNow()) <= TimeSpan.Zero ? pinned : null;
            }
        }
    }
}
