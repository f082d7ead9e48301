using System.Globalization;
using LlmPlatform.Inference.Contracts;
using Microsoft.AspNetCore.Http;

namespace LlmPlatform.Inference.OpenAi;

/// <summary>Tells clients what their quota of tokens still allows, in the headers that OpenAI's clients look for.</summary>
internal static class QuotaHeaders
{
    /// <summary>Sets the headers when the news tells of the quota, unless the answer has begun.</summary>
    public static IAsyncEnumerable<ChoiceNews> ShowingQuota(this IAsyncEnumerable<ChoiceNews> events, HttpContext context, TimeProvider time) => events.Select(choice =>
    {
        if (choice.News is PromptAccepted { Quota: { } quota } && !context.Response.HasStarted)
        {
            Show(quota, context.Response.Headers, time);
        }

        return choice;
    });

    private static void Show(TokenQuota quota, IHeaderDictionary headers, TimeProvider time)
    {
        headers["x-ratelimit-limit-tokens"] = quota.Limit.ToString(CultureInfo.InvariantCulture);
        headers["x-ratelimit-remaining-tokens"] = quota.Left.ToString(CultureInfo.InvariantCulture);
        headers["x-ratelimit-reset-tokens"] = $"{(long)Math.Ceiling((quota.EndsAt - time.GetUtcNow()).TotalSeconds)}s";
    }
}
