namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>What steps have cost lately, and so what the next one will: moving averages over the machine as it is now.</summary>
internal sealed class StepClock
{
    private const double Weight = 0.2;
    private readonly double[] decode = new double[65];

    /// <summary>Of one prompt token.</summary>
    internal double PrefillMicroseconds { get; private set; } = 200;

    /// <summary>Of a step for a single sequence.</summary>
    internal double StepMicroseconds => DecodeMicroseconds(1);

    /// <summary>Of a step that gives so many sequences a token each.</summary>
    internal double DecodeMicroseconds(int sequences)
    {
        // The nearest size that was measured stands for those that were not.
        var wanted = Math.Min(sequences, decode.Length - 1);
        for (var distance = 0; distance < decode.Length; distance++)
        {
            if (wanted + distance < decode.Length && decode[wanted + distance] > 0)
            {
                return decode[wanted + distance];
            }

            if (wanted - distance > 0 && decode[wanted - distance] > 0)
            {
                return decode[wanted - distance];
            }
        }

        return 1000;
    }

    /// <summary>Takes what a step cost that gave so many sequences a token each, or computed so many tokens of a prompt.</summary>
    internal void Record(int decodes, int prefillTokens, double microseconds)
    {
        if (prefillTokens == 0)
        {
            ref var known = ref decode[Math.Min(decodes, decode.Length - 1)];
            known = known == 0 ? microseconds : known + (Weight * (microseconds - known));
            return;
        }

        // A handful of tokens measures the step and not the token.
        if (prefillTokens >= 16)
        {
            PrefillMicroseconds += Weight * ((microseconds / prefillTokens) - PrefillMicroseconds);
        }
    }
}
