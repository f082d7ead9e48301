using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using LlmPlatform.Measuring;

namespace LlmPlatform.Access;

/// <summary>Sends requests at a steady rate, whether or not those before them were answered.</summary>
internal static class Load
{
    public static async Task RunAsync(Report report, string name, int perSecond, TimeSpan length, Func<Task<HttpResponseMessage?>> send, double? target = null)
    {
        var times = new ConcurrentBag<double>();
        var statuses = new ConcurrentDictionary<string, int>();
        var running = new List<Task>();
        var begun = Stopwatch.GetTimestamp();
        for (var i = 0; Stopwatch.GetElapsedTime(begun) < length; i++)
        {
            if (TimeSpan.FromSeconds((double)i / perSecond) - Stopwatch.GetElapsedTime(begun) is { Ticks: > 0 } early)
            {
                await Task.Delay(early);
            }

            running.Add(OneAsync());
        }

        await Task.WhenAll(running);
        report.Add($"{name}: p50", "ms", times.Percentile(50));
        report.Add($"{name}: p99", "ms", times.Percentile(99), target);
        Console.WriteLine($"{name}: {string.Join(", ", statuses.OrderBy(s => s.Key).Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.Value} x {s.Key}")))}");

        async Task OneAsync()
        {
            var since = Stopwatch.GetTimestamp();
            using var answer = await send();
            times.Add(Stopwatch.GetElapsedTime(since).TotalMilliseconds);
            statuses.AddOrUpdate(answer is null ? "not sent" : ((int)answer.StatusCode).ToString(CultureInfo.InvariantCulture), 1, (_, count) => count + 1);
        }
    }
}
