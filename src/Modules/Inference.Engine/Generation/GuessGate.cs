namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// Whether guessing pays on this model and machine. A guess makes its step longer and changes the shape of the next one, so what counts is
/// the time per token of both, against that of plain steps. Where it does not pay it is tried again ever more rarely.
/// </summary>
internal sealed class GuessGate
{
    private const int Trials = 8;
    private const int FirstPause = 256;
    private const int LongestPause = 16_384;
    private const double Weight = 0.1;

    private double plain;
    private double spent;
    private int gained;
    private int trials;
    private int pause = FirstPause;
    private int paused;
    private bool followsGuess;

    /// <summary>Asked before each step that could be a guess.</summary>
    internal bool IsOpen => paused == 0 && plain > 0;

    /// <summary>Takes what a step cost and how many tokens it gave.</summary>
    internal void Record(bool isGuess, int tokens, double microseconds)
    {
        if (isGuess || followsGuess)
        {
            spent += microseconds;
            gained += tokens;
            trials += isGuess ? 1 : 0;
        }
        else
        {
            plain = plain == 0 ? microseconds : plain + (Weight * (microseconds - plain));
            paused = Math.Max(0, paused - 1);
        }

        followsGuess = isGuess;
        if (trials >= Trials && !isGuess)
        {
            var pays = spent / gained < plain;
            (paused, pause) = pays ? (0, FirstPause) : (pause, Math.Min(pause * 2, LongestPause));
            (trials, spent, gained) = (0, 0, 0);
        }
    }
}
