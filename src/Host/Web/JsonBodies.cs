using System.Text.Json;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Extensions.Options;
using Wolverine.Http;
using JsonOptions = Microsoft.AspNetCore.Http.Json.JsonOptions;

namespace LlmPlatform.Host.Web;

/// <summary>
/// Refuses a body that is not what the endpoint reads, with a code and the field to blame. Wolverine and the framework refuse it too, but say no more
/// than that it is bad, so the body is read here once before.
/// </summary>
internal static class JsonBodies
{
    public static void UseJsonBodies(this WebApplication app) => app.Use(static (context, next) =>
        BodyOf(context.GetEndpoint()) is { } type && context.Request.HasJsonContentType()
            ? CheckAsync(context, type, next)
            : next(context));

    private static Type? BodyOf(Endpoint? endpoint) => endpoint?.Metadata.GetMetadata<HttpChain>() is { } chain
        ? chain.HasRequestType ? chain.RequestType : null
        : endpoint?.Metadata.GetMetadata<IAcceptsMetadata>()?.RequestType;

    private static async Task CheckAsync(HttpContext context, Type type, RequestDelegate next)
    {
        var options = context.RequestServices.GetRequiredService<IOptions<JsonOptions>>().Value.SerializerOptions;
        context.Request.EnableBuffering();
        try
        {
            await JsonSerializer.DeserializeAsync(context.Request.Body, type, options, context.RequestAborted);
        }
        catch (JsonException invalid)
        {
            context.Request.Body.Position = 0;
            throw await UnknownFieldAsync(context, type, options) is { } field
                ? Refusal.BadParam(field, $"There is no field '{field}' here.", "param.unknown")
                : invalid;
        }

        context.Request.Body.Position = 0;
        await next(context);
    }

    private static async Task<string?> UnknownFieldAsync(HttpContext context, Type type, JsonSerializerOptions options)
    {
        try
        {
            using var body = await JsonDocument.ParseAsync(context.Request.Body, default, context.RequestAborted);
            var known = options.GetTypeInfo(type).Properties.Select(p => p.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
            return body.RootElement.ValueKind == JsonValueKind.Object
                ? body.RootElement.EnumerateObject().Select(p => p.Name).FirstOrDefault(name => !known.Contains(name))
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
