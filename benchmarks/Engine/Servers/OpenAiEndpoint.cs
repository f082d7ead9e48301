using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlmPlatform.Benchmarks.Servers;

/// <summary>One model of one server, asked by one person over OpenAI's road, greedily and as a stream.</summary>
internal sealed class OpenAiEndpoint(HttpClient client, string model, string key)
{
    private const string Data = "data: ";
    private bool takesIgnoreEos = true;

    public Task<StreamedReply> CompleteAsync(
        string prompt, int maxTokens, Action<StreamedReply>? onText = null, CancellationToken cancellation = default) =>
        AskAsync("/v1/completions", maxTokens, body => body["prompt"] = prompt, onText, cancellation);

    public Task<StreamedReply> ReplyAsync(IEnumerable<ChatTurn> turns, int maxTokens) =>
        AskAsync("/v1/chat/completions", maxTokens, body => body["messages"] = JsonSerializer.SerializeToNode(turns, JsonSerializerOptions.Web), null, default);

    private async Task<StreamedReply> AskAsync(
        string path, int maxTokens, Action<JsonObject> fill, Action<StreamedReply>? onText, CancellationToken cancellation)
    {
        var body = new JsonObject
        {
            ["model"] = model,
            ["max_tokens"] = maxTokens,
            ["temperature"] = 0,
            ["stream"] = true,
            ["stream_options"] = new JsonObject { ["include_usage"] = true },
        };
        fill(body);
        if (takesIgnoreEos)
        {
            body["ignore_eos"] = true; // every reply is as long as the others
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        request.Headers.ConnectionClose = true; // llama-server ends idle connections under the next request
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        var reply = new StreamedReply();
        using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        if (answer.IsSuccessStatusCode)
        {
            await ReadAsync(answer, reply, onText, cancellation);
            return reply;
        }

        var refusal = await answer.Content.ReadAsStringAsync(cancellation);
        if (answer.StatusCode != HttpStatusCode.BadRequest || !body.ContainsKey("ignore_eos") || !refusal.Contains("ignore_eos", StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"{path}: {(int)answer.StatusCode} {refusal}");
        }

        takesIgnoreEos = false;
        return await AskAsync(path, maxTokens, fill, onText, cancellation);
    }

    private static async Task ReadAsync(HttpResponseMessage answer, StreamedReply reply, Action<StreamedReply>? onText, CancellationToken cancellation)
    {
        var text = new StringBuilder();
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(cancellation));
        while (await lines.ReadLineAsync(cancellation) is { } line)
        {
            if (!line.StartsWith(Data, StringComparison.Ordinal) || line == "data: [DONE]")
            {
                continue;
            }

            var arrived = Stopwatch.GetTimestamp();
            using var chunk = JsonDocument.Parse(line.AsMemory(Data.Length));
            if (TextOf(chunk.RootElement) is { Length: > 0 } part)
            {
                text.Append(part);
                reply.Parts.Add(arrived);
                onText?.Invoke(reply);
            }

            if (chunk.RootElement.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object)
            {
                reply.CompletionTokens = usage.GetProperty("completion_tokens").GetInt32();
            }
        }

        reply.Ended = Stopwatch.GetTimestamp();
        reply.Text = text.ToString();
        if (reply.Parts.Count == 0)
        {
            throw new InvalidOperationException("The stream ended without text.");
        }
    }

    private static string? TextOf(JsonElement chunk)
    {
        if (chunk.TryGetProperty("error", out var error))
        {
            throw new InvalidOperationException(error.ToString());
        }

        var choices = chunk.GetProperty("choices");
        if (choices.GetArrayLength() == 0)
        {
            return null;
        }

        var choice = choices[0];
        if (choice.TryGetProperty("delta", out var delta))
        {
            return delta.TryGetProperty("content", out var content) ? content.GetString() : null;
        }

        return choice.TryGetProperty("text", out var text) ? text.GetString() : null;
    }
}

internal sealed record ChatTurn(string Role, string Content);
