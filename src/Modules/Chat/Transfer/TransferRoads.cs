using System.Globalization;
using System.Net.Mime;
using System.Text.Json;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Wolverine;

namespace LlmPlatform.Chat.Transfer;

/// <summary>The routes that conversations leave and enter by. They are mapped by hand because their bodies stream.</summary>
internal static class TransferRoads
{
    private const int LargestImport = 64 << 20;
    private const string Markdown = "text/markdown";

    public static void MapTransfer(this IEndpointRouteBuilder routes)
    {
        var road = routes.MapGroup("/api/v1/chat").RequireAuthorization().WithTags("Transfer");
        road.MapGet("/conversations/{conversationId:guid}/export", ExportAsync).WithName("exportConversation")
            .WithSummary("Download a conversation: all of it as JSON, or the branch that is shown as Markdown")
            .Produces(200, contentType: MediaTypeNames.Application.Json, additionalContentTypes: Markdown).Produces<ProblemDetails>(400).Produces<ProblemDetails>(404);
        road.MapGet("/export", ExportAllAsync).WithName("exportConversations")
            .WithSummary("Download all your conversations as JSON, those in the bin left out").Produces(200, contentType: MediaTypeNames.Application.Json);
        road.MapPost("/import", ImportAsync).WithName("importConversations").WithMetadata(new RequestSizeLimitAttribute(LargestImport))
            .WithSummary("Bring conversations: exported here, or conversations.json of ChatGPT").Produces<ImportResult>().Produces<ProblemDetails>(400).Produces<ProblemDetails>(413);
    }

    private static async Task ExportAsync(Guid conversationId, string? format, HttpContext context, ConversationExport export)
    {
        if (format is not (null or "json" or "markdown"))
        {
            throw Refusal.BadParam("format", "'format' is json or markdown.", "param.invalid");
        }

        var file = await export.ReadAsync(conversationId, CurrentUser.From(context.User).Id, context.RequestAborted);
        if (format == "markdown")
        {
            Name(context, $"conversation-{conversationId}.md", $"{Markdown}; charset=utf-8");
            await context.Response.WriteAsync(ConversationMarkdown.Of(file), context.RequestAborted);
            return;
        }

        Name(context, $"conversation-{conversationId}.json", MediaTypeNames.Application.Json);
        await JsonSerializer.SerializeAsync(context.Response.Body, file, ConversationFiles.Json, context.RequestAborted);
    }

    private static async Task ExportAllAsync(HttpContext context, ConversationExport export, TimeProvider clock)
    {
        Name(context, string.Create(CultureInfo.InvariantCulture, $"conversations-{clock.GetUtcNow():yyyy-MM-dd}.json"), MediaTypeNames.Application.Json);
        await export.WriteAllAsync(context.Response.Body, CurrentUser.From(context.User).Id, withBin: false, context.RequestAborted);
    }

    private static async Task ImportAsync(HttpContext context, ConversationImport import, IMessageBus bus, TimeProvider clock)
    {
        if (!context.Request.HasJsonContentType())
        {
            throw new Refusal(new Error(415, "content_type.unsupported", "Send the file as application/json."));
        }

        var result = await new ImportReader(import, bus, clock).ReadAsync(context.Request.BodyReader, CurrentUser.From(context.User).Id, context.RequestAborted);
        await context.Response.WriteAsJsonAsync(result, context.RequestAborted);
    }

    // The name of a download stands in many logs, so it holds no title.
    private static void Name(HttpContext context, string file, string type)
    {
        context.Response.ContentType = type;
        context.Response.Headers.ContentDisposition = $"attachment; filename=\"{file}\"";
        context.Response.Headers.CacheControl = "no-store";
    }
}
