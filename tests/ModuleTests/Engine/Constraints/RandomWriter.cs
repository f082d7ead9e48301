extern alias engine;

using System.Text;
using engine::LlmPlatform.Inference.Engine.Constraints;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine.Constraints;

/// <summary>A model that knows nothing: any token that the mask leaves is as likely as another.</summary>
internal sealed class RandomWriter(ByteVocabulary vocabulary, int seed)
{
    private readonly Random random = new(seed);
    private readonly float[] logits = new float[vocabulary.Size];

    /// <summary>The text in bytes, and whether it was ended: past the length it is only continued where it must be.</summary>
    internal (byte[] Text, bool IsWhole) Write(Constraint constraint, int length)
    {
        var state = constraint.Start();
        var text = new List<byte>();
        for (var step = 0; step < length; step++)
        {
            if (state.MustEnd)
            {
                return ([.. text], true);
            }

            var token = Choose(state);
            Assert.True(state.TryAccept(token), $"the mask allows token {token}, the state does not, after {Encoding.UTF8.GetString([.. text])}");
            if (token == vocabulary.End)
            {
                return ([.. text], true);
            }

            text.AddRange(vocabulary.Bytes(token));
        }

        return ([.. text], state.MayEnd);
    }

    private int Choose(ConstraintState state)
    {
        Array.Clear(logits);
        state.Mask(logits);
        Assert.False(state.IsStuck, state.Refusal?.Message);
        var allowed = logits.Count(l => l == 0);
        var chosen = random.Next(allowed);
        return Enumerable.Range(0, logits.Length).Where(t => logits[t] == 0).ElementAt(chosen);
    }
}
