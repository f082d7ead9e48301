using LlmPlatform.SharedKernel;

namespace LlmPlatform.Chat.Conversations;

/// <summary>Tags are compared by a digest that only their owner's key makes, whatever their case and width.</summary>
internal static class TagDigests
{
    public static async Task<(IReadOnlyList<string> Digests, string? Sealed)> SealAsync(SubjectVault vault, Guid owner, IReadOnlyList<string> tags, CancellationToken cancellation)
    {
        string[] named = [.. tags.Select(tag => tag.Trim()).DistinctBy(Normal)];
        return named.Length == 0
            ? ([], null)
            : ([.. await DigestsAsync(vault, owner, named, cancellation)], await vault.SealJsonAsync(owner, named, cancellation));
    }

    public static async Task<string> OfAsync(SubjectVault vault, Guid owner, string tag, CancellationToken cancellation) => (await DigestsAsync(vault, owner, [tag], cancellation))[0];

    private static async Task<IReadOnlyList<string>> DigestsAsync(SubjectVault vault, Guid owner, IReadOnlyList<string> tags, CancellationToken cancellation)
    {
        var digest = await vault.DigestAsync(owner, cancellation) ?? throw Refusal.Unauthenticated(); // erased at this moment
        return [.. tags.Select(tag => digest.TextOf(Normal(tag)))];
    }

    private static string Normal(string tag) => tag.Trim().Normalize(System.Text.NormalizationForm.FormKC).ToLowerInvariant();
}
