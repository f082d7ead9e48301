using System.Collections;

namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>
/// Runs a reader that is written as if the whole text were there. A reader hands up another reader to run it first, and null where it needs
/// more text; the next <see cref="Resume"/> goes on at that very place.
/// </summary>
internal sealed class Routine
{
    private readonly Stack<IEnumerator> running = new();

    internal Routine(IEnumerator first) => running.Push(first);

    internal void Resume()
    {
        while (running.TryPeek(out var top))
        {
            if (!top.MoveNext())
            {
                running.Pop();
            }
            else if (top.Current is IEnumerator inner)
            {
                running.Push(inner);
            }
            else
            {
                return;
            }
        }
    }
}
