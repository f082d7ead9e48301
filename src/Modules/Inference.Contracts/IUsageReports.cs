namespace LlmPlatform.Inference.Contracts;

/// <summary>Tells what was used. It follows the recorded usage by about a second.</summary>
public interface IUsageReports
{
    /// <summary>What each user used in a month, in the order of their ids.</summary>
    /// <param name="month">A month of UTC, such as <c>2026-11</c>.</param>
    /// <param name="after">The list begins after this user; null for the first page.</param>
    /// <param name="most">Users at most.</param>
    /// <param name="cancellation">Gives it up.</param>
    Task<IReadOnlyList<MonthlyUsage>> ListAsync(string month, Guid? after, int most, CancellationToken cancellation);
}

/// <summary>What a user used in a month.</summary>
/// <param name="UserId">The user.</param>
/// <param name="Requests">Requests whose prompt was taken.</param>
/// <param name="PromptTokens">Tokens of prompts, those from the KV cache included.</param>
/// <param name="CachedTokens">Of those, the ones from the KV cache.</param>
/// <param name="CompletionTokens">Tokens of replies.</param>
/// <param name="Costs">What it cost, by currency.</param>
public sealed record MonthlyUsage(
    Guid UserId, long Requests, long PromptTokens, long CachedTokens, long CompletionTokens, IReadOnlyDictionary<string, decimal> Costs);
