using System.Security.Cryptography;
using System.Text;
using LlmPlatform.Host.Messaging;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http.Features;
using Npgsql;

namespace LlmPlatform.Host.Web;

/// <summary>
/// <c>Idempotency-Key</c>: whoever gets no answer to a POST sends it again, and it is carried out once. A refusal is not remembered: nothing
/// came of it, so the same key may try again. Public because the adapters that Wolverine generates call it.
/// </summary>
public static class Idempotency
{
    private const string Header = "Idempotency-Key";
    private const string Replayed = "Idempotency-Replayed";
    private const int LongestKey = 255;
    private const int LongestBody = 8 << 20;
    private const int LongestAnswer = 8 << 20;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private static readonly string[] KeptHeaders = ["Content-Type", "Location"];

    public static void UseIdempotency(this WebApplication app) => app.Use(static (context, next) =>
        HttpMethods.IsPost(context.Request.Method) && context.Request.Headers.ContainsKey(Header) && context.User.Identity is { IsAuthenticated: true }
        && context.GetEndpoint() is { } endpoint && endpoint.Metadata.GetMetadata<IAllowAnonymous>() is null // to sign in again gives another session, and a cookie
            ? RunAsync(context, next)
            : next(context));

    /// <summary>Writes the answer into the transaction of the work, before it is committed and sent.</summary>
    public static async Task KeepAsync(IDocumentSession session, HttpContext context, object? result, CancellationToken cancellation)
    {
        if (context.Features.Get<IdempotentRequest>() is { } request && await WriteAsync(context, result) is { Status: < 400 } answer)
        {
            await context.RequestServices.GetRequiredService<IdempotencyRecords>().KeepAsync(session, request, answer, cancellation);
        }
    }

    private static async Task RunAsync(HttpContext context, RequestDelegate next)
    {
        var records = context.RequestServices.GetRequiredService<IdempotencyRecords>();
        var clock = context.RequestServices.GetRequiredService<TimeProvider>();
        var request = await ReadAsync(context);
        while (true)
        {
            switch (await records.FindAsync(request, context.RequestAborted))
            {
                case { IsSame: false }:
                    throw new Refusal(new Error(422, "idempotency.key_reused", "This Idempotency-Key was used for another request.", Header));
                case { Answer: { } answer }:
                    await SendAsync(context, answer);
                    return;
                case { Answer: null }:
                    await Task.Delay(Pause, clock, context.RequestAborted); // it is carried out at this moment
                    continue;
            }

            var isDone = context.GetEndpoint()!.Metadata.GetMetadata<KeepsItsAnswer>() is not null
                ? await TryInTransactionAsync(context, next, records, request)
                : await records.TryClaimAsync(request, context.RequestAborted) && await ClaimedAsync(context, next, records, request, clock);
            if (isDone)
            {
                return;
            }
        }
    }

    /// <summary>False where the same request was sent twice at once and the other one was first: this one's work is undone then.</summary>
    private static async Task<bool> TryInTransactionAsync(HttpContext context, RequestDelegate next, IdempotencyRecords records, IdempotentRequest request)
    {
        context.Features.Set(request);
        try
        {
            await next(context);
            return true;
        }
        catch (Exception e) when (!context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested)
        {
            // Whatever the second one stumbles over, such as a name that the first one has just taken, the answer is the first one's.
            if (IsDone(e) || await records.FindAsync(request, context.RequestAborted) is { IsSame: true, Answer: not null })
            {
                return false;
            }

            throw;
        }
    }

    /// <summary>Carries out what is no transaction. It goes on where its sender has gone, because the sender will come back for the answer.</summary>
    private static async Task<bool> ClaimedAsync(HttpContext context, RequestDelegate next, IdempotencyRecords records, IdempotentRequest request, TimeProvider clock)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(
            context.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping, context.Features.Get<AccessEnded>()?.Token ?? default);
        context.RequestAborted = ending.Token;
        var body = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        using var copy = new CopyingStream(body.Stream, LongestAnswer);
        var isKept = false;
        await using var renewing = clock.CreateTimer(_ => _ = records.RenewAsync(request, CancellationToken.None), null, IdempotencyRecords.Lease / 3, IdempotencyRecords.Lease / 3);
        try
        {
            var copied = new StreamResponseBodyFeature(copy, body);
            context.Features.Set<IHttpResponseBodyFeature>(copied);
            await next(context);
            await copied.CompleteAsync();
            if (context.Response.StatusCode < 400 && context.Features.Get<AnswerFailed>() is null && copy.Copied is { } bytes)
            {
                await records.KeepAsync(request, new KeptAnswer(context.Response.StatusCode, HeadersOf(context.Response), bytes), CancellationToken.None);
                isKept = true;
            }

            return true;
        }
        finally
        {
            context.Features.Set(body);
            if (!isKept)
            {
                await records.ReleaseAsync(request, CancellationToken.None);
            }
        }
    }

    private static async Task SendAsync(HttpContext context, KeptAnswer answer)
    {
        context.Response.StatusCode = answer.Status;
        foreach (var (name, value) in answer.Headers)
        {
            context.Response.Headers[name] = value;
        }

        context.Response.Headers[Replayed] = "true";
        if (answer.Body.Length > 0)
        {
            await context.Response.Body.WriteAsync(answer.Body, context.RequestAborted);
        }
    }

    private static async Task<IdempotentRequest> ReadAsync(HttpContext context)
    {
        var key = context.Request.Headers[Header].ToString();
        if (key.Length is 0 or > LongestKey || key.Any(c => c is < ' ' or > '~'))
        {
            throw new Refusal(new Error(400, "idempotency.key_invalid", $"An Idempotency-Key has 1 to {LongestKey} printable ASCII characters.", Header));
        }

        if (context.Request.ContentLength > LongestBody)
        {
            throw new Refusal(new Error(413, "body.too_large", $"A request with an Idempotency-Key has at most {LongestBody} bytes."));
        }

        if (Roads.Of(context.Request.Path) != Road.Platform && context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = LongestBody; // what the roads of other products take; it cannot be said any more once the body is read
        }

        context.Request.EnableBuffering();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{context.Request.Method} {context.Request.Path}{context.Request.QueryString}\n"));
        var buffer = new byte[16 << 10];
        while (await context.Request.Body.ReadAsync(buffer, context.RequestAborted) is > 0 and var count)
        {
            hash.AppendData(buffer, 0, count);
        }

        context.Request.Body.Position = 0;
        return new IdempotentRequest(CurrentUser.From(context.User).Id, key, hash.GetHashAndReset());
    }

    /// <summary>The answer that a result will be, written beside the real one.</summary>
    private static async Task<KeptAnswer> WriteAsync(HttpContext context, object? result)
    {
        var body = new MemoryStream();
        var aside = new DefaultHttpContext { RequestServices = context.RequestServices };
        aside.Response.Body = body;
        await (result switch
        {
            IResult answer => answer.ExecuteAsync(aside),
            null => Task.CompletedTask,
            _ => Results.Json(result, context.RequestServices.GetRequiredService<Microsoft.Extensions.Options.IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions>>().Value.SerializerOptions).ExecuteAsync(aside),
        });
        return new KeptAnswer(aside.Response.StatusCode, HeadersOf(aside.Response), body.ToArray());
    }

    private static Dictionary<string, string> HeadersOf(HttpResponse response) =>
        KeptHeaders.Where(response.Headers.ContainsKey).ToDictionary(name => name, name => response.Headers[name].ToString());

    private static bool IsDone(Exception? e) =>
        e is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation, ConstraintName: IdempotencyRecords.Constraint } || (e is not null && IsDone(e.InnerException));
}
