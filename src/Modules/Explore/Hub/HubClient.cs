using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using LlmPlatform.SharedKernel.Outside;

namespace LlmPlatform.Explore.Hub;

/// <summary>Asks the hub, a few questions at a time. One that asks to be left alone, or does not answer, is left alone by everybody.</summary>
internal sealed class HubClient(GuardedHttp http, HubAddress hub, TimeProvider time) : IDisposable
{
    private const int MostBytes = 1 << 20;
    private const int MostAtOnce = 4;
    private const int MostWaiting = 32;
    private const int MostModels = 20; // each with its chat template, which makes tens of kilobytes
    private const int MostPages = 10;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan LongestRest = TimeSpan.FromMinutes(30);

    // What an answer is to hold. Without this the hub tells no header of a model, and all else that it knows.
    private static readonly string Wanted = string.Concat(
        ((string[])["author", "downloads", "likes", "lastModified", "pipeline_tag", "tags", "siblings", "gguf", "gated", "private"]).Select(name => $"&expand[]={name}"));

    private readonly SemaphoreSlim places = new(MostAtOnce);
    private DateTimeOffset restsUntil;
    private int waiting;

    /// <summary>Models with files of llama.cpp whose name or description holds a text, most downloaded first.</summary>
    /// <exception cref="HubException">There is no answer.</exception>
    public async Task<IReadOnlyList<HubModel>> SearchAsync(string query, CancellationToken cancellation)
    {
        var answer = await AskAsync(At($"/api/models?search={Uri.EscapeDataString(query)}&filter=gguf&sort=downloads&direction=-1&limit={MostModels}{Wanted}"), cancellation);
        return [.. Read(answer.Body, HubJson.Default.HubModelAnswerArray).Take(MostModels).Select(HubModel.From).OfType<HubModel>()];
    }

    /// <summary>A model with the sizes of its files.</summary>
    /// <exception cref="HubException">There is no answer.</exception>
    public async Task<HubModel> ModelAsync(string repository, CancellationToken cancellation)
    {
        var answer = await AskAsync(At($"/api/models/{repository}?{Wanted[1..]}"), cancellation);
        var told = Read(answer.Body, HubJson.Default.HubModelAnswer);
        var model = HubModel.From(told) ?? throw (told.Private == true ? HubException.NotFound() : HubException.Answer());
        var name = model.Repository.Equals(repository, StringComparison.OrdinalIgnoreCase) ? model.Repository : repository; // its own spelling, not another's name
        return model with { Repository = name, Files = await FilesAsync(repository, cancellation), HasSizes = true };
    }

    /// <summary>What a model's page says, as it was written. It is asked for without the operator's token, which opens what is not for everybody.</summary>
    /// <exception cref="HubException">There is no answer.</exception>
    public async Task<HubCard> CardAsync(string repository, CancellationToken cancellation) =>
        HubCard.From((await AskAsync(At($"/{repository}/raw/main/README.md"), token: null, cancellation)).Body);

    public void Dispose() => places.Dispose();

    private async Task<IReadOnlyList<Catalogue.HubFileEntry>> FilesAsync(string repository, CancellationToken cancellation)
    {
        var files = new List<Catalogue.HubFileEntry>();
        var page = At($"/api/models/{repository}/tree/main?recursive=true");
        for (var pages = 1; ; pages++)
        {
            var answer = await AskAsync(page, cancellation);
            files.AddRange(Read(answer.Body, HubJson.Default.HubTreeAnswerArray).Select(entry => entry.ToFile()).OfType<Catalogue.HubFileEntry>());
            if (pages == MostPages || Next(answer, page) is not { } next)
            {
                return files; // a model that has more files than that shows those that come first
            }

            page = next;
        }
    }

    private Task<SmallAnswer> AskAsync(Uri address, CancellationToken cancellation) => AskAsync(address, hub.Token, cancellation);

    private Uri At(string path) => hub.Of(path) ?? throw HubException.Off();

    private async Task<SmallAnswer> AskAsync(Uri address, string? token, CancellationToken cancellation)
    {
        await EnterAsync(cancellation);
        try
        {
            if (restsUntil > time.GetUtcNow())
            {
                throw HubException.Unreachable("The hub was asked too often, or did not answer, and is left alone for a while.");
            }

            return Checked(await http.GetSmallAsync(new OutsideRequest(address) { Accept = "*/*", BearerToken = token }, MostBytes, Patience, cancellation));
        }
        catch (OutsideException failure) when (failure.IsTransient)
        {
            restsUntil = time.GetUtcNow() + Rest;
            throw HubException.Unreachable($"The hub could not be reached: {failure.Message}");
        }
        catch (OutsideException failure)
        {
            throw failure.Code.StartsWith("outside.", StringComparison.Ordinal)
                ? HubException.Answer()
                : HubException.Unreachable($"The hub could not be reached: {failure.Message}");
        }
        finally
        {
            places.Release();
        }
    }

    // Everybody who types asks; a queue without an end would still ask for what nobody wants to know any more.
    private async Task EnterAsync(CancellationToken cancellation)
    {
        try
        {
            if (Interlocked.Increment(ref waiting) > MostWaiting)
            {
                throw HubException.Busy();
            }

            await places.WaitAsync(cancellation);
        }
        finally
        {
            Interlocked.Decrement(ref waiting);
        }
    }

    private SmallAnswer Checked(SmallAnswer answer)
    {
        if (answer.IsSuccess)
        {
            return answer;
        }

        if (answer.Status is HttpStatusCode.NotFound or HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.Gone)
        {
            throw HubException.NotFound();
        }

        var asked = RetryAfter(answer);
        if (answer.Status is HttpStatusCode.TooManyRequests || asked is not null)
        {
            var rest = asked ?? Rest;
            restsUntil = time.GetUtcNow() + rest;
            throw new HubException(503, "hub.unreachable", "The hub asks to be left alone for a while.") { RetryAfter = rest };
        }

        throw (int)answer.Status >= 500 ? HubException.Unreachable($"The hub answered with status {(int)answer.Status}.") : HubException.Answer();
    }

    private TimeSpan? RetryAfter(SmallAnswer answer) =>
        (answer.Headers.RetryAfter is { } asked ? asked.Delta ?? asked.Date - time.GetUtcNow() : null) is { } rest && rest > TimeSpan.Zero
            ? rest < LongestRest ? rest : LongestRest
            : null;

    private static T Read<T>(byte[] body, JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(body, type) ?? throw HubException.Answer();
        }
        catch (JsonException)
        {
            throw HubException.Answer();
        }
    }

    /// <summary>RFC 8288: <c>&lt;address&gt;; rel="next"</c>. Never somebody else's address.</summary>
    private static Uri? Next(SmallAnswer answer, Uri page)
    {
        var link = answer.Headers.TryGetValues("Link", out var links) ? links.FirstOrDefault(l => l.Contains("rel=\"next\"", StringComparison.Ordinal)) : null;
        return link?.Split('<', '>') is [_, var target, ..] && Uri.TryCreate(page, target, out var next) && next.Authority == page.Authority && next.Scheme == page.Scheme ? next : null;
    }
}
