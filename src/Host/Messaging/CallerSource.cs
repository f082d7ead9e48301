using JasperFx.CodeGeneration;
using JasperFx.CodeGeneration.Frames;
using JasperFx.CodeGeneration.Model;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Host.Messaging;

/// <summary>Feeds every <c>CurrentUser</c> of a handler from the caller that the middleware noted.</summary>
internal sealed class CallerSource : IVariableSource
{
    public bool Matches(Type type) => type == typeof(CurrentUser);

    public Variable Create(Type type) => new CallerFrame().User;

    private sealed class CallerFrame : SyncFrame
    {
        private Variable? caller;

        public CallerFrame() => User = new Variable(typeof(CurrentUser), "currentUser", this);

        public Variable User { get; }

        public override IEnumerable<Variable> FindVariables(IMethodVariables chain)
        {
            caller = chain.FindVariable(typeof(Caller));
            yield return caller;
        }

        public override void GenerateCode(GeneratedMethod method, ISourceWriter writer)
        {
            writer.Write($"var {User.Usage} = {caller!.Usage}.{nameof(Caller.Current)};");
            Next?.GenerateCode(method, writer);
        }
    }
}
