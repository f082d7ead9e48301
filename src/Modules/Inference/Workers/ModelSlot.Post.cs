namespace LlmPlatform.Inference.Workers;

// What is known of one worker.
internal sealed partial class ModelSlot
{
    /// <summary>A worker in this slot, from its start to its end.</summary>
    private sealed class Post(Worker worker, MemoryGrant grant, string digest, TimeSpan usualKeepAlive, long lastUsed)
    {
        private TaskCompletionSource? drained;

        public Worker Worker => worker;

        public MemoryGrant Grant => grant;

        public string Digest => digest;

        public TimeSpan UsualKeepAlive { get; } = usualKeepAlive;

        /// <summary>As its last user wanted it.</summary>
        public TimeSpan KeepAlive { get; set; } = usualKeepAlive;

        public bool IsIdle => Leases == 0 && Drains == 0 && worker.End is null;

        public int Leases { get; set; }

        public long LastUsed { get; set; } = lastUsed;

        public Task Watch { get; set; } = Task.CompletedTask;

        /// <summary>Unloads that wait for it now.</summary>
        public int Drains { get; set; }

        /// <summary>Over when the leases of now are back. A drain that was given up leaves nothing behind that a later one could take for its own.</summary>
        public Task Unused => Leases == 0
            ? Task.CompletedTask
            : (drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

        public void TellIfUnused()
        {
            if (Leases == 0)
            {
                drained?.TrySetResult();
                drained = null;
            }
        }
    }
}
