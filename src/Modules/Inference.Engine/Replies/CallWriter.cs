using System.Text;

namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>Numbers the calls of a reply and hands them on. Only functions of the request can be called.</summary>
internal sealed class CallWriter(IReadOnlyList<ToolSignature> tools, Func<string> newId, TextSink content, Action<ReplyPart> write)
{
    private readonly Dictionary<string, ToolSignature> known = tools.GroupBy(tool => tool.Name).ToDictionary(same => same.Key, same => same.First());
    private readonly HashSet<string> ids = [];
    private int index = -1;

    internal bool HasCalls => index >= 0;

    internal bool IsBroken { get; private set; }

    /// <summary>Why the first call that was given back as content is none.</summary>
    internal string? Diagnostic { get; private set; }

    internal bool Knows(string name) => known.ContainsKey(name);

    internal string? Parameters(string name) => known[name].ParametersJson;

    internal void Break(string reason)
    {
        Diagnostic ??= reason;
        IsBroken = true;
    }

    internal void Forgive() => IsBroken = false;

    /// <summary>Returns false for a function that the request does not have; then the call is broken. An id counts once in a reply.</summary>
    internal bool Start(string name, string? id)
    {
        if (!Knows(name))
        {
            Break($"the function {name} is not in the request");
            return false;
        }

        content.Edge();
        id = string.IsNullOrEmpty(id) || !ids.Add(id) ? newId() : id;
        write(new ReplyPart.CallStarted(++index, id, name));
        return true;
    }

    internal void Arguments(string fragment)
    {
        if (fragment.Length > 0)
        {
            write(new ReplyPart.CallArguments(index, fragment));
        }
    }

    /// <summary>Hands the fragment on and empties it.</summary>
    internal void Arguments(StringBuilder fragment)
    {
        Arguments(fragment.ToString());
        fragment.Clear();
    }

    internal void Finish() => write(new ReplyPart.CallEnded(index));
}
