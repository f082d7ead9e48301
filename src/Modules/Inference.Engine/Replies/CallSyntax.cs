using System.Collections;

namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>How a family writes calls. It holds no state: what a reader knows lives in its own run.</summary>
internal abstract class CallSyntax
{
    /// <summary>Each of them begins a call, or a section whose first call follows.</summary>
    internal abstract IReadOnlyList<string> Openers { get; }

    /// <summary>What closes a section; it goes away if a call came before.</summary>
    internal virtual IReadOnlyList<string> SectionClosers => [];

    /// <summary>Further markers inside a call; a special token that is none of a format's markers goes away.</summary>
    internal virtual IReadOnlyList<string> InnerMarkers => [];

    /// <summary>A call may also stand without a marker, where nothing but white space came before it.</summary>
    internal virtual bool ReadsBareCalls => false;

    /// <summary>An opener also ends the thinking: the model says it nowhere else.</summary>
    internal virtual bool EndsReasoning => false;

    /// <summary>Reads what the opener, already read, has begun; null is the opener of a bare call.</summary>
    internal abstract IEnumerator Read(string? opener, CallReader reader);
}
