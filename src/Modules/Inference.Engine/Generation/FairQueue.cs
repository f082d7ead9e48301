namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// The requests that wait. Tenants take turns by what they were served: every token that is computed for one moves it back by its share, so
/// whoever had least comes next, and a tenant that comes back after a pause starts level with the others and not ahead of them.
/// </summary>
internal sealed class FairQueue
{
    // A token of an answer costs a step of its own; one of a prompt shares it with many.
    private const double DecodeCost = 2;

    internal const int MostWaiting = 2048;
    internal const int MostWaitingPerTenant = 512;

    private readonly Dictionary<string, Tenant> tenants = [];
    private double floor;

    internal int Count { get; private set; }

    internal IEnumerable<Sequence> All => tenants.Values.SelectMany(tenant => tenant.Waiting);

    /// <summary>False where it is full.</summary>
    internal bool TryAdd(Sequence sequence)
    {
        var tenant = Of(sequence);
        if (Count >= MostWaiting || tenant.Waiting.Count >= MostWaitingPerTenant)
        {
            return false;
        }

        tenant.Waiting.AddLast(sequence);
        Count++;
        return true;
    }

    /// <summary>For one that had to give way: it is the next of its tenant.</summary>
    internal void AddFirst(Sequence sequence)
    {
        Of(sequence).Waiting.AddFirst(sequence);
        Count++;
    }

    internal void Remove(Sequence sequence)
    {
        if (tenants.TryGetValue(sequence.Tenant, out var tenant) && tenant.Waiting.Remove(sequence))
        {
            Count--;
            DropIfIdle(sequence.Tenant, tenant);
        }
    }

    /// <summary>The next request of every tenant, that of the least served first.</summary>
    internal IEnumerable<Sequence> Next() => tenants.Values
        .Where(tenant => tenant.Waiting.Count > 0)
        .OrderBy(tenant => tenant.Served)
        .Select(tenant => tenant.Waiting.First!.Value)
        .ToList();

    internal int RunningOf(string tenant) => tenants.TryGetValue(tenant, out var known) ? known.Running : 0;

    internal double ServedOf(string tenant) => tenants.TryGetValue(tenant, out var known) ? known.Served : floor;

    internal void Started(Sequence sequence) => Of(sequence).Running++;

    internal void Stopped(Sequence sequence)
    {
        var tenant = tenants[sequence.Tenant];
        tenant.Running--;
        DropIfIdle(sequence.Tenant, tenant);
    }

    internal void Charge(Sequence sequence, int prefillTokens, int decodeTokens)
    {
        if (tenants.TryGetValue(sequence.Tenant, out var tenant))
        {
            tenant.Served += (prefillTokens + (DecodeCost * decodeTokens)) / sequence.Weight;
        }
    }

    private Tenant Of(Sequence sequence)
    {
        if (!tenants.TryGetValue(sequence.Tenant, out var tenant))
        {
            floor = tenants.Count > 0 ? Math.Max(floor, tenants.Values.Min(other => other.Served)) : floor;
            tenants.Add(sequence.Tenant, tenant = new Tenant { Served = floor });
        }

        return tenant;
    }

    private void DropIfIdle(string name, Tenant tenant)
    {
        if (tenant is { Running: 0, Waiting.Count: 0 })
        {
            tenants.Remove(name);
            floor = Math.Max(floor, tenants.Count > 0 ? tenants.Values.Min(other => other.Served) : tenant.Served);
        }
    }

    private sealed class Tenant
    {
        internal LinkedList<Sequence> Waiting { get; } = new();

        internal int Running { get; set; }

        internal double Served { get; set; }
    }
}
