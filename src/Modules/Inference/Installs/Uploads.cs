using System.Globalization;
using LlmPlatform.Inference.Models;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Wolverine;

namespace LlmPlatform.Inference.Installs;

/// <summary>
/// Takes the bytes of an upload, in as many pieces as its owner likes. The two verbs are those of the tus protocol, version 1.0.0: <c>HEAD</c> tells
/// where to go on, <c>PATCH</c> with that offset brings more. What came before a connection broke is kept.
/// </summary>
public sealed class Uploads
{
    private const string Version = "1.0.0";
    private const string ContentType = "application/offset+octet-stream";
    private const string Offset = "Upload-Offset";
    private const int BufferBytes = 256 << 10;

    private readonly IInferenceStore store;
    private readonly RunningInstalls running;
    private readonly ModelFiles files;
    private readonly InstallOptions options;

    public Uploads(IInferenceStore store, RunningInstalls running, ModelFiles files, InstallOptions options) =>
        (this.store, this.running, this.files, this.options) = (store, running, files, options);

    internal async Task HeadAsync(Guid id, HttpContext context, IMessageBus bus)
    {
        var install = await FindAsync(id, context.RequestAborted);
        if (files.HasAllOf(install))
        {
            await bus.PublishAsync(new RunInstall(id)); // the host may have ended between its last byte and this message
        }

        Tell(context, install, PartialFile.ReadJournal(files, install.Key!).SyncedBytes);
    }

    internal async Task PatchAsync(Guid id, HttpContext context, IMessageBus bus)
    {
        if (context.Request.ContentType != ContentType)
        {
            throw new Refusal(new Error(415, "upload.content_type", $"The content type of a piece is {ContentType}."));
        }

        if (!long.TryParse(context.Request.Headers[Offset], NumberStyles.None, CultureInfo.InvariantCulture, out var offset))
        {
            throw Refusal.BadParam(Offset, $"The header {Offset} says where the piece belongs.", "upload.offset");
        }

        // The size of the whole is known and its space is taken; a piece may be all of it.
        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = null;
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = new(bytesPerSecond: 240, gracePeriod: options.DownloadSilence);
        }

        var install = await FindAsync(id, context.RequestAborted);
        using var turn = await running.TakeTurnAsync(install.Key!, null, context.RequestAborted);
        install = await FindAsync(id, context.RequestAborted); // it may have been given up meanwhile
        var position = await WriteAsync(install, offset, context);
        if (position == install.Location!.SizeBytes)
        {
            await bus.PublishAsync(new RunInstall(id)); // asked for again, it does nothing twice
        }

        Tell(context, install, position);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private async Task<long> WriteAsync(Install install, long offset, HttpContext context)
    {
        var size = install.Location!.SizeBytes!.Value;
        await using var partial = PartialFile.Continue(files, install.Key!, options.DownloadChunkBytes);
        if (offset != partial.Position)
        {
            throw new Refusal(new Error(409, "upload.offset", $"The upload has {partial.Position} bytes; the next piece begins there."));
        }

        try
        {
            if (offset == 0 && partial.Journal.TotalBytes is null)
            {
                partial.Begin(size, null);
            }

            var buffer = new byte[BufferBytes];
            while (await context.Request.Body.ReadAsync(buffer, context.RequestAborted) is > 0 and var read)
            {
                if (partial.Position + read > size)
                {
                    throw new Refusal(new Error(413, "upload.too_large", $"The upload was to have {size} bytes, and this is more."));
                }

                await partial.WriteAsync(buffer.AsMemory(0, read), context.RequestAborted);
            }
        }
        catch (IOException full) when (full.HResult == Fetcher.NoSpace)
        {
            throw new Refusal(new Error(507, "disk.insufficient", "There is no space left where models lie; what was sent is kept."));
        }

        partial.Sync();
        return partial.Position;
    }

    private async Task<Install> FindAsync(Guid id, CancellationToken cancellation)
    {
        await using var session = store.QuerySession();
        return await session.LoadAsync<Install>(id, cancellation) switch
        {
            { IsUpload: true, State: InstallState.Queued } upload => upload,
            { IsUpload: true, State: InstallState.Paused } => throw new Refusal(new Error(409, "install.paused", "This install is paused; it goes on with 'resume'.")),
            { IsUpload: true } => throw InstallRefusals.Over(),
            _ => throw InstallRefusals.NotFound(),
        };
    }

    private static void Tell(HttpContext context, Install install, long position)
    {
        var headers = context.Response.Headers;
        headers["Tus-Resumable"] = Version;
        headers[Offset] = position.ToString(CultureInfo.InvariantCulture);
        headers["Upload-Length"] = install.Location!.SizeBytes!.Value.ToString(CultureInfo.InvariantCulture);
        headers.CacheControl = "no-store";
    }
}

internal static class UploadedFiles
{
    /// <summary>False for an upload whose last bytes are still to come.</summary>
    public static bool HasAllOf(this ModelFiles files, Install install) =>
        !install.IsUpload || PartialFile.ReadJournal(files, install.Key!) is var journal && (journal.Arrived is not null || journal.SyncedBytes == install.Location!.SizeBytes);
}

internal static class UploadRoad
{
    private const string Path = "/api/v1/inference/installs/{id:guid}/content";

    public static void MapUploads(this IEndpointRouteBuilder routes)
    {
        var road = routes.MapGroup(Path).RequireAuthorization(Permissions.Models).WithTags("Installs");
        road.MapMethods("", [HttpMethods.Head], (Guid id, HttpContext context, Uploads uploads, IMessageBus bus) => uploads.HeadAsync(id, context, bus))
            .WithName("getUploadOffset").WithSummary("Tell how much of an upload is here").Produces<ProblemDetails>(404).Produces<ProblemDetails>(409);
        road.MapPatch("", (Guid id, HttpContext context, Uploads uploads, IMessageBus bus) => uploads.PatchAsync(id, context, bus))
            .WithName("uploadContent").WithSummary("Bring the next bytes of an upload").Produces(204)
            .Produces<ProblemDetails>(404).Produces<ProblemDetails>(409).Produces<ProblemDetails>(413).Produces<ProblemDetails>(507);
    }
}
