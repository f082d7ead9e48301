extern alias engine;

using System.Text;
using engine::LlmPlatform.Inference.Engine.Constraints;
using engine::LlmPlatform.Inference.Engine.Generation;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine.Constraints;

/// <summary>Asks a constraint about whole texts, a byte at a time.</summary>
internal static class Compiled
{
    internal static ByteVocabulary Vocabulary { get; } = new();

    internal static Constraint Of(ConstraintSource source) => new ConstraintCompiler(Vocabulary).Compile(source);

    internal static Constraint Schema(string text) => Of(new ConstraintSource.JsonSchema(text));

    internal static bool Takes(this Constraint constraint, string text)
    {
        var state = constraint.Start();
        return Encoding.UTF8.GetBytes(text).All(value => state.TryAccept(value)) && state.MayEnd;
    }

    internal static void IsRefused(ConstraintSource source, string code, string part)
    {
        var refusal = Assert.Throws<RequestRefusedException>(() => Of(source));
        Assert.Equal(code, refusal.Code);
        Assert.Contains(part, refusal.Message, StringComparison.Ordinal);
    }
}
