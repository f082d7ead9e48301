using JasperFx.CodeGeneration;
using JasperFx.CodeGeneration.Frames;
using JasperFx.CodeGeneration.Model;

namespace LlmPlatform.Host.Messaging;

/// <summary>Feeds every <c>DateTimeOffset now</c> of a handler from the TimeProvider, so that a test owns the time.</summary>
internal sealed class ClockSource : IVariableSource
{
    public bool Matches(Type type) => type == typeof(DateTimeOffset);

    public Variable Create(Type type) => new NowFrame().Now;

    private sealed class NowFrame : SyncFrame
    {
        private Variable? clock;

        public NowFrame() => Now = new Variable(typeof(DateTimeOffset), "now", this);

        public Variable Now { get; }

        public override IEnumerable<Variable> FindVariables(IMethodVariables chain)
        {
            clock = chain.FindVariable(typeof(TimeProvider));
            yield return clock;
        }

        public override void GenerateCode(GeneratedMethod method, ISourceWriter writer)
        {
            writer.Write($"var {Now.Usage} = {clock!.Usage}.{nameof(TimeProvider.GetUtcNow)}();");
            Next?.GenerateCode(method, writer);
        }
    }
}
