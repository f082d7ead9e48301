namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>Counts steps, so that hostile input costs what we decide and not what it decides.</summary>
internal sealed class Work(int limit, string where)
{
    private long spent;

    /// <exception cref="Generation.RequestRefusedException">constraint.too_large once the steps are spent.</exception>
    internal void Spend(long steps = 1)
    {
        spent += steps;
        if (spent > limit)
        {
            throw ConstraintErrors.TooLarge($"The constraint takes more than {limit} steps", where);
        }
    }
}
