using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace LlmPlatform.SharedKernel.Outside;

/// <summary>
/// The only way to an address that a user named, or that another machine named to us. The guard looks at the very address that is connected to,
/// on every hop, so neither a name that changes its mind nor a redirect leads anywhere else. No cookie is kept, and nothing is unpacked.
/// </summary>
public sealed class GuardedHttp : IDisposable
{
    private const int MostRedirects = 3;
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(60);
    private readonly AddressGuard guard;
    private readonly TimeProvider time;
    private readonly HttpMessageInvoker client;

    private readonly Func<string, CancellationToken, Task<IPAddress[]>> resolve;

    public GuardedHttp(AddressGuard guard, TimeProvider time)
        : this(guard, time, Dns.GetHostAddressesAsync)
    {
    }

    internal GuardedHttp(AddressGuard guard, TimeProvider time, Func<string, CancellationToken, Task<IPAddress[]>> resolve)
    {
        (this.guard, this.time, this.resolve) = (guard, time, resolve);
        client = new HttpMessageInvoker(Handler(null));
    }

    /// <summary>
    /// For a library that sends requests by itself: they pass the guard too, but for those to the very origin that an operator named, which may be
    /// anywhere, in the house as well. Redirects are not followed.
    /// </summary>
    public HttpMessageHandler HandlerFor(Uri named) => Handler(named);

    /// <summary>Asks, follows redirects, and returns when the headers are there; the body has not been read yet.</summary>
    /// <exception cref="OutsideException">The address is blocked, nobody answers, or the answer is packed.</exception>
    public async Task<HttpResponseMessage> SendAsync(OutsideRequest request, CancellationToken cancellation)
    {
        var address = CheckFirst(request.Address);
        for (var hop = 0; ; hop++)
        {
            var answer = await SendOnceAsync(request, address, cancellation);
            if ((int)answer.StatusCode is not (301 or 302 or 303 or 307 or 308))
            {
                return answer.Content.Headers.ContentEncoding.Count == 0 ? answer : throw Packed(answer);
            }

            using (answer)
            {
                if (hop == MostRedirects || answer.Headers.Location is not { } next)
                {
                    throw new OutsideException("url.redirect_blocked", "The source redirects too often, or to nowhere.");
                }

                address = CheckNext(address, new Uri(address, next));
            }
        }
    }

    /// <summary>Reads a whole answer that is expected to be small.</summary>
    /// <param name="request">What is asked for.</param>
    /// <param name="limit">Bytes at most.</param>
    /// <param name="patience">Time for all of it.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="OutsideException">As with <see cref="SendAsync"/>; also where the answer is larger, or takes longer.</exception>
    public async Task<SmallAnswer> GetSmallAsync(OutsideRequest request, int limit, TimeSpan patience, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        try
        {
            using var answer = await SendAsync(request, either.Token);
            await using var body = await answer.Content.ReadAsStreamAsync(either.Token);
            var buffer = new MemoryStream();
            var piece = new byte[16 * 1024];
            while (await body.ReadAsync(piece, either.Token) is > 0 and var read)
            {
                buffer.Write(piece, 0, read);
                if (buffer.Length > limit)
                {
                    throw new OutsideException("outside.too_large", $"The answer of {request.Address.Host} is larger than {limit} bytes.");
                }
            }

            return new SmallAnswer(answer.StatusCode, buffer.ToArray(), answer.Headers);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new OutsideException("outside.timeout", $"{request.Address.Host} did not answer within {patience.TotalSeconds:0} seconds.", isTransient: true);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new OutsideException("outside.unreachable", $"The answer of {request.Address.Host} broke off.", isTransient: true);
        }
    }

    public void Dispose() => client.Dispose();

    private static OutsideException Packed(HttpResponseMessage answer)
    {
        answer.Dispose();
        return new OutsideException("outside.encoded", "The answer is compressed, which was not asked for.");
    }

    private Uri CheckFirst(Uri address)
    {
        try
        {
            return guard.Check(address);
        }
        catch (Refusal refusal)
        {
            throw new OutsideException(refusal.Error.Code, refusal.Error.Message);
        }
    }

    private Uri CheckNext(Uri from, Uri target)
    {
        if (target.Scheme is not ("http" or "https") || (from.Scheme == "https" && target.Scheme == "http"))
        {
            throw new OutsideException("url.redirect_blocked", "The source redirects to an address of another kind.");
        }

        try
        {
            return guard.Check(target);
        }
        catch (Refusal refusal)
        {
            throw new OutsideException("url.redirect_blocked", $"The source redirects to where it must not: {refusal.Error.Message}");
        }
    }

    private async Task<HttpResponseMessage> SendOnceAsync(OutsideRequest wanted, Uri address, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.UserAgent.ParseAdd("LlmPlatform");
        if (wanted.Accept is { } accept)
        {
            request.Headers.Accept.ParseAdd(accept);
        }

        if (wanted.Range is { } range)
        {
            request.Headers.Range = new RangeHeaderValue(range.From, range.To);
            request.Headers.IfRange = wanted.IfRange is { } tag ? new RangeConditionHeaderValue(tag) : null;
        }

        if (wanted.BearerToken is { } token && IsSameOrigin(wanted.Address, address) && (address.Scheme == "https" || guard.HasOpenRanges))
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        using var patience = new CancellationTokenSource(Silence, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        try
        {
            return await client.SendAsync(request, either.Token);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new OutsideException("download.stalled", $"The source sent nothing for {Silence.TotalSeconds:0} seconds.", isTransient: true);
        }
        catch (HttpRequestException failure)
        {
            throw failure.InnerException is Refusal refusal
                ? new OutsideException(refusal.Error.Code, refusal.Error.Message)
                : new OutsideException("download.unreachable", "The source could not be reached.", isTransient: true);
        }
    }

    private SocketsHttpHandler Handler(Uri? named) => new()
    {
        AllowAutoRedirect = false,
        UseProxy = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.None,
        ConnectTimeout = ConnectTimeout,
        MaxResponseHeadersLength = 32,
        ConnectCallback = (context, cancellation) => ConnectAsync(context, named, cancellation),
    };

    private static bool IsSameOrigin(Uri one, Uri other) => Uri.Compare(one, other, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0;

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, Uri? named, CancellationToken cancellation)
    {
        var target = context.DnsEndPoint;
        var addresses = await resolve(target.Host, cancellation);
        if (named is null || !target.Host.Equals(named.IdnHost, StringComparison.OrdinalIgnoreCase) || target.Port != named.Port)
        {
            // All of them: a name that also means this machine is not to be trusted with the others.
            foreach (var address in addresses)
            {
                guard.Check(address, target.Port);
            }
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, target.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
