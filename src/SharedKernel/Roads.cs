using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;

namespace LlmPlatform.SharedKernel;

/// <summary>The families of routes. Each has clients that read errors in one shape only.</summary>
public enum Road
{
    /// <summary>Our own API: problem details.</summary>
    Platform,

    /// <summary><c>/v1/*</c>: <c>{"error":{"message","type","param","code"}}</c>, as OpenAI's SDKs read it.</summary>
    OpenAi,

    /// <summary><c>/v1/messages*</c>: <c>{"type":"error","error":{"type","message"}}</c>, as Anthropic's SDKs read it.</summary>
    Anthropic,

    /// <summary><c>/api/*</c> but not <c>/api/v1</c>: <c>{"error":"…"}</c>, as Ollama's clients read it.</summary>
    Ollama,
}

public static class Roads
{
    public static Road Of(PathString path) =>
        path.StartsWithSegments("/v1/messages") ? Road.Anthropic
        : path.StartsWithSegments("/v1") ? Road.OpenAi
        : path.StartsWithSegments("/api/v1") ? Road.Platform
        : path.StartsWithSegments("/api") ? Road.Ollama
        : Road.Platform;

    /// <summary>Answers with an error in the shape of the road the request came on.</summary>
    public static async Task WriteErrorAsync(this HttpContext context, Error error)
    {
        context.Response.StatusCode = error.Status;
        if (error.RetryAfter is { } wait)
        {
            context.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        }

        // OpenAI's and Anthropic's SDKs retry a 409 by themselves; ours never mends by asking again.
        if (error.Status == 409 || error.IsFinal)
        {
            context.Response.Headers["x-should-retry"] = "false";
        }

        var road = Of(context.Request.Path);
        if (road == Road.Platform)
        {
            await context.Response.WriteAsJsonAsync(error.ToProblem(), JsonSerializerOptions.Web, "application/problem+json", context.RequestAborted);
            return;
        }

        await context.Response.WriteAsJsonAsync(Body(road, error), JsonSerializerOptions.Web, "application/json", context.RequestAborted);
    }

    /// <summary>The error as a JSON object, also for streams that fail after their first byte.</summary>
    public static JsonNode Body(Road road, Error error) => road switch
    {
        Road.OpenAi => new JsonObject
        {
            ["error"] = new JsonObject
            {
                ["message"] = error.Message,
                ["type"] = OpenAiType(error.Status),
                ["param"] = error.Param,
                ["code"] = error.Code,
            },
        },
        Road.Anthropic => new JsonObject
        {
            ["type"] = "error",
            ["error"] = new JsonObject { ["type"] = AnthropicType(error.Status), ["message"] = error.Message },
        },
        Road.Ollama => new JsonObject { ["error"] = error.Message },
        _ => JsonSerializer.SerializeToNode<ProblemDetails>(error.ToProblem(), JsonSerializerOptions.Web)!,
    };

    private static string OpenAiType(int status) => status switch
    {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        >= 500 => "server_error",
        _ => "invalid_request_error",
    };

    private static string AnthropicType(int status) => status switch
    {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 => "overloaded_error",
        >= 500 => "api_error",
        _ => "invalid_request_error",
    };
}
