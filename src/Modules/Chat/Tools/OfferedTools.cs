using System.Security.Cryptography;
using System.Text;
using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.Chat.Tools;

/// <summary>Tools that a model may call in somebody's name, and the sessions with their servers, which end with it.</summary>
internal sealed class OfferedTools : IAsyncDisposable
{
    private const int LongestName = 64; // of Tool.Name
    private const int HashDigits = 8;
    private readonly IReadOnlyList<ToolSession> sessions;
    private readonly Dictionary<string, OfferedTool> byName = new(StringComparer.Ordinal);

    public OfferedTools(ModelUser user, IReadOnlyList<(ToolSession Session, ToolConsent Consent)> servers)
    {
        (User, sessions) = (user, [.. servers.Select(s => s.Session)]);
        foreach (var (session, consent) in servers)
        {
            foreach (var tool in session.Tools.Items.Where(t => consent.Covers(t.Name)))
            {
                byName.TryAdd(NameOf(session.Server.Id, tool.Name), new OfferedTool(session, tool));
            }
        }

        Tools = [.. byName.Select(t => new Tool(t.Key, t.Value.Details.Description, t.Value.Details.Parameters))];
    }

    /// <summary>As they are shown to the model.</summary>
    public IReadOnlyList<Tool> Tools { get; }

    /// <summary>In whose name they are called.</summary>
    public ModelUser User { get; }

    public OfferedTool? Find(string name) => byName.GetValueOrDefault(name);

    public async ValueTask DisposeAsync() => await Task.WhenAll(sessions.Select(s => s.DisposeAsync().AsTask()));

    /// <summary>
    /// The same name for the same tool, whatever others there are: where its own is too long, or has letters that names must not have, a digest of it
    /// keeps it apart. A server's name holds no underscore, so no two servers meet.
    /// </summary>
    internal static string NameOf(string server, string tool)
    {
        var plain = $"{server}__{new string([.. tool.Select(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' ? c : '_')])}";
        if (plain.Length <= LongestName && plain.EndsWith($"__{tool}", StringComparison.Ordinal))
        {
            return plain;
        }

        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(tool)))[..HashDigits];
        return $"{plain[..Math.Min(plain.Length, LongestName - HashDigits - 1)]}_{digest}";
    }
}

/// <summary>A tool of a server that is asked in an open session.</summary>
internal sealed record OfferedTool(ToolSession Session, ToolDetails Details);
