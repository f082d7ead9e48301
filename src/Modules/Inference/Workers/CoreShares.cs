namespace LlmPlatform.Inference.Workers;

/// <summary>
/// Divides the cores among the models that compute at this moment. Two that each use all of them wait for each other's threads in every
/// layer, and both are several times slower than with half.
/// </summary>
internal sealed class CoreShares(int cores)
{
    private readonly HashSet<Worker> busy = [];
    private readonly Lock gate = new();

    public void Tell(Worker worker, bool isBusy)
    {
        lock (gate)
        {
            if (!(isBusy ? busy.Add(worker) : busy.Remove(worker)))
            {
                return;
            }

            foreach (var each in busy)
            {
                each.UseCores(Math.Max(1, cores / busy.Count));
            }
        }
    }
}
