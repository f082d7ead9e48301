using System.Text.Json;
using JasperFx;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Diagnostics;
using Npgsql;

namespace LlmPlatform.Host.Web;

/// <summary>The one place where an exception becomes an answer. Nobody is ever shown an exception's own text.</summary>
internal sealed partial class Errors(ILogger<Errors> logger) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext context, Exception exception, CancellationToken cancellation)
    {
        if (context.RequestAborted.IsCancellationRequested)
        {
            context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            return true;
        }

        var error = Explain(exception);
        if (error.Status >= 500)
        {
            LogFailure(logger, exception, error.Code, context.Request.Method, context.Request.Path);
        }

        await context.WriteErrorAsync(error);
        return true;
    }

    private static Error Explain(Exception exception) => exception switch
    {
        Refusal refusal => refusal.Error,
        GenerationException failure => new Error(failure.Status, failure.Code, failure.Message, failure.Param) { RetryAfter = failure.RetryAfter, IsFinal = failure.IsFinal },
        ConcurrencyException => new Error(409, "version.conflict", "Somebody else changed this in the meantime. Read it again and repeat your change."),
        DocumentAlreadyExistsException => new Error(409, "already_exists", "Something of this name is there already."),
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => new Error(413, "body.too_large", "The request body is larger than this address takes."),
        BadHttpRequestException { StatusCode: StatusCodes.Status415UnsupportedMediaType } => new Error(415, "content_type.unsupported", "Send the body as application/json."),
        BadHttpRequestException { InnerException: JsonException json } => InvalidJson(json),
        BadHttpRequestException bad => new Error(bad.StatusCode, "request.invalid", "The request could not be read."),
        JsonException json => InvalidJson(json),
        _ when IsOfDatabase(exception) =>
            new Error(503, "db.unavailable", "The database cannot be reached just now. Try again in a moment.") { RetryAfter = TimeSpan.FromSeconds(2) },
        _ => new Error(500, "internal", "Something broke on our side. Quote the trace id when you report it."),
    };

    // Marten wraps it in exceptions of its own where a transaction was open.
    private static bool IsOfDatabase(Exception? exception) => exception is not null
        && (exception is NpgsqlException { IsTransient: true } or NpgsqlException { InnerException: TimeoutException or IOException } || IsOfDatabase(exception.InnerException));

    private static Error InvalidJson(JsonException json) =>
        new(400, "json.invalid", "The body is not the JSON that this address expects.", json.Path is { Length: > 2 } path ? path[2..] : null);

    [LoggerMessage(LogLevel.Error, "Answered {Code} to {Method} {Path}")]
    private static partial void LogFailure(ILogger logger, Exception exception, string code, string method, string path);
}

internal static class ErrorPages
{
    /// <summary>Errors in the shape of the road they happen on, also where nothing but a status was set: unknown routes, wrong methods.</summary>
    public static void UseRoadErrors(this WebApplication app)
    {
        app.UseExceptionHandler(static _ => { });
        app.UseStatusCodePages(async pages =>
        {
            var context = pages.HttpContext;
            var error = context.Response.StatusCode switch
            {
                404 => new Error(404, "route.not_found", $"There is nothing at {context.Request.Method} {context.Request.Path}."),
                405 => new Error(405, "method.not_allowed", $"{context.Request.Method} is not possible here."),
                413 => new Error(413, "body.too_large", "The request body is larger than this address takes."),
                415 => new Error(415, "content_type.unsupported", "Send the body as application/json."),
                var status => new Error(status, "request.refused", "The request was refused."),
            };
            await context.WriteErrorAsync(error);
        });
    }
}
