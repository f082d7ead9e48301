using System.Globalization;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text.Json;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Chat;

/// <summary>An event of a reply as a client reads it.</summary>
internal sealed record ReplyEvent(string? Id, string Name, JsonElement Data)
{
    public long Place => long.Parse(Id!, CultureInfo.InvariantCulture);
}

/// <summary>What clients do with conversations.</summary>
internal static class ChatClients
{
    public static async Task<JsonElement> StartAsync(this HttpClient client, object? with = null)
    {
        var answer = await client.PostAsJsonAsync("/api/v1/chat/conversations", with ?? new { model = PlatformFixture.Model });
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return await answer.JsonAsync();
    }

    /// <summary>Says something and reads the reply to its end.</summary>
    public static async Task<IReadOnlyList<ReplyEvent>> SayAsync(this HttpClient client, string conversation, object message)
    {
        using var answer = await client.OpenAsync(HttpMethod.Post, $"/api/v1/chat/conversations/{conversation}/messages", message);
        return await answer.EventsAsync().ToListAsync();
    }

    public static Task<IReadOnlyList<ReplyEvent>> SayAsync(this HttpClient client, JsonElement conversation, string content, int maxTokens = 8) =>
        client.SayAsync(conversation.Text("id")!, new { content, maxTokens, temperature = 0 });

    /// <summary>Returns when the headers are there.</summary>
    public static async Task<HttpResponseMessage> OpenAsync(this HttpClient client, HttpMethod method, string path, object? body = null, string? lastEventId = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }

        return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }

    public static async IAsyncEnumerable<ReplyEvent> EventsAsync(this HttpResponseMessage answer)
    {
        Assert.True(answer.IsSuccessStatusCode, answer.IsSuccessStatusCode ? null : await answer.Content.ReadAsStringAsync());
        await using var body = await answer.Content.ReadAsStreamAsync();
        await foreach (var item in SseParser.Create(body).EnumerateAsync(TestContext.Current.CancellationToken))
        {
            yield return new ReplyEvent(item.EventId, item.EventType, JsonDocument.Parse(item.Data).RootElement);
        }
    }

    public static async Task<IReadOnlyList<ReplyEvent>> FollowAsync(this HttpClient client, string conversation, string message, string? lastEventId = null)
    {
        using var answer = await client.OpenAsync(HttpMethod.Get, $"/api/v1/chat/conversations/{conversation}/messages/{message}/stream", lastEventId: lastEventId);
        return await answer.EventsAsync().ToListAsync();
    }

    public static Task<JsonElement> ConversationAsync(this HttpClient client, JsonElement conversation, string query = "") =>
        client.GetJsonAsync($"/api/v1/chat/conversations/{conversation.Text("id")}{query}");

    public static string TextOf(this IEnumerable<ReplyEvent> events) => string.Concat(events.Where(e => e.Name == "delta").Select(e => e.Data.Text("text")));

    public static string MessageOf(this IEnumerable<ReplyEvent> events) => events.First().Data.Text("messageId")!;
}
