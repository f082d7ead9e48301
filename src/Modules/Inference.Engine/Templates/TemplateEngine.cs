using System.Text.Json;
using Jint;
using Jint.Constraints;
using Jint.Native;
using Jint.Runtime;

namespace LlmPlatform.Inference.Engine.Templates;

/// <summary>A template did not render.</summary>
internal sealed class TemplateException(string message, bool isRefusal) : Exception(message)
{
    /// <summary>The template itself said no (raise_exception), and did not break.</summary>
    internal bool IsRefusal { get; } = isRefusal;
}

/// <summary>
/// Jinja inside a JavaScript interpreter that knows nothing of this process. A template comes with a model from anywhere, so every kind of work
/// it can cause is bounded; what exceeds a bound ends with a <see cref="TemplateException"/>. One thread at a time.
/// </summary>
internal sealed class TemplateEngine : IDisposable
{
    internal const int LongestSource = 1 << 20;
    internal const int LongestText = 16 << 20;

    private const string Refusal = "TemplateRefusal"; // as in render.js

    // JavaScript's, of the interpreter: a message takes some hundreds, with tools a few thousand.
    private const int FirstStatements = 1_000_000;
    private const int StatementsPerMessage = 10_000;
    private const int DeepestRecursion = 300; // of one function; the interpreter has a dozen that call each other
    private const int StackBytes = 64 << 20; // what that takes at most, and ten times as much
    private const long FirstBytes = 256L << 20; // allocated in all, not at a time
    private const long BytesPerMessage = 200_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RegexPatience = TimeSpan.FromSeconds(1);

    private static readonly Lazy<Prepared<Acornima.Ast.Script>> Scripts = new(() => Jint.Engine.PrepareScript(
        $"const module = {{ exports: {{}} }}, exports = module.exports;\n{Resource("jinja.js")}\n;(function () {{\n{Resource("render.js")}\nthis.load = load; this.render = render;\n}}).call(globalThis);"));

    private readonly Jint.Engine engine;
    private readonly JsValue render;
    private readonly MemoryBound memory = new() { Most = FirstBytes };

    /// <summary>Throws <see cref="TemplateException"/> where the source is no template.</summary>
    internal TemplateEngine(string source)
    {
        if (source.Length > LongestSource)
        {
            throw new TemplateException($"The template is longer than {LongestSource} characters.", isRefusal: false);
        }

        engine = new Jint.Engine(options => options
            .MaxStatements(FirstStatements)
            .LimitRecursion(DeepestRecursion)
            .Constraint(memory)
            .TimeoutInterval(Patience)
            .RegexTimeoutInterval(RegexPatience)
            .Constraints.MaxExecutionStackCount = 1);
        engine.Execute(Scripts.Value);
        render = engine.GetValue("render");
        Endings = JsonSerializer.Deserialize<string[]>(Bounded(() => engine.Invoke("load", source)).AsString())!;
    }

    /// <summary>The last characters of all texts that the template itself writes.</summary>
    internal IReadOnlyList<string> Endings { get; }

    /// <param name="values">What the template reads, as a JSON object.</param>
    /// <param name="messages">How many messages that holds; the template may work longer on more of them.</param>
    internal string Render(string values, int messages)
    {
        engine.Constraints.Find<MaxStatementsConstraint>()!.MaxStatements = FirstStatements + (StatementsPerMessage * messages);
        memory.Most = FirstBytes + (BytesPerMessage * messages);
        var text = Bounded(() => engine.Invoke(render, values)).AsString();
        return text.Length <= LongestText ? text : throw new TemplateException($"The prompt is longer than {LongestText} characters.", isRefusal: false);
    }

    public void Dispose() => engine.Dispose();

    internal static string Resource(string name)
    {
        using var reader = new StreamReader(typeof(TemplateEngine).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    /// <summary>Runs on a stack of its own: nothing may overflow one, because that ends the process.</summary>
    private static JsValue Bounded(Func<JsValue> work)
    {
        (JsValue? Value, TemplateException? Problem) result = default;
        var thread = new Thread(() => result = Try(work), StackBytes) { IsBackground = true, Name = "template" };
        thread.Start();
        thread.Join();
        return result.Value ?? throw result.Problem!;
    }

    private static (JsValue? Value, TemplateException? Problem) Try(Func<JsValue> work)
    {
        try
        {
            return (work(), null);
        }
        catch (TemplateException problem)
        {
            return (null, problem);
        }
        catch (JavaScriptException problem)
        {
            return (null, new TemplateException(problem.Message, problem.Error.IsObject() && problem.Error.AsObject().Get("name").ToString() == Refusal));
        }
        catch (Exception problem)
        {
            return (null, new TemplateException(problem.Message, isRefusal: false));
        }
    }

    private sealed class MemoryBound : Constraint
    {
        private long start;

        internal long Most { get; set; }

        public override void Reset() => start = GC.GetAllocatedBytesForCurrentThread();

        public override void Check()
        {
            if (GC.GetAllocatedBytesForCurrentThread() - start > Most)
            {
                throw new TemplateException($"It takes more than {Most >> 20} MiB of memory.", isRefusal: false);
            }
        }
    }
}
