using System.Net;
using System.Net.Sockets;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Inference.Installs;

/// <summary>
/// The only way to an address that a user named. The guard looks at the very address that is connected to, on every hop, so neither a name that
/// changes its mind nor a redirect leads anywhere else.
/// </summary>
internal sealed class GuardedHttp : IDisposable
{
    private const int MostRedirects = 3;
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(15);
    private readonly InstallSources sources;
    private readonly AddressGuard guard;
    private readonly HttpMessageInvoker client;

    public GuardedHttp(InstallSources sources, AddressGuard guard)
    {
        this.sources = sources;
        this.guard = guard;
        client = new HttpMessageInvoker(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = ConnectTimeout,
            MaxResponseHeadersLength = 32,
            ConnectCallback = ConnectAsync,
        });
    }

    /// <summary>Gets a file; the body has not been read yet. Nothing of ours is ever sent along: no cookie, no credential.</summary>
    /// <exception cref="InstallException">The address is blocked, or the answer is no file.</exception>
    public async Task<HttpResponseMessage> GetAsync(Uri address, CancellationToken cancellation)
    {
        for (var hop = 0; ; hop++)
        {
            var answer = await SendAsync(address, cancellation);
            if ((int)answer.StatusCode is not (301 or 302 or 303 or 307 or 308))
            {
                return answer;
            }

            using (answer)
            {
                if (hop == MostRedirects || answer.Headers.Location is not { } next)
                {
                    throw new InstallException("url.redirect_blocked", "The source redirects too often, or to nowhere.");
                }

                var target = new Uri(address, next);
                if (target.Scheme is not ("http" or "https") || (address.Scheme == "https" && target.Scheme == "http"))
                {
                    throw new InstallException("url.redirect_blocked", "The source redirects to an address of another kind.");
                }

                address = Check(target);
            }
        }
    }

    public void Dispose() => client.Dispose();

    private Uri Check(Uri target)
    {
        try
        {
            return sources.Check(target.AbsoluteUri);
        }
        catch (Refusal refusal)
        {
            throw new InstallException("url.redirect_blocked", $"The source redirects to where it must not: {refusal.Error.Message}");
        }
    }

    private async Task<HttpResponseMessage> SendAsync(Uri address, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.UserAgent.ParseAdd("LlmPlatform");
        try
        {
            return await client.SendAsync(request, cancellation);
        }
        catch (HttpRequestException failure)
        {
            throw failure.InnerException is Refusal refusal
                ? new InstallException(refusal.Error.Code, refusal.Error.Message)
                : new InstallException("download.unreachable", "The source could not be reached.");
        }
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var target = context.DnsEndPoint;
        var addresses = await Dns.GetHostAddressesAsync(target.Host, cancellation);

        // All of them: a name that also means this machine is not to be trusted with the others.
        foreach (var address in addresses)
        {
            guard.Check(address, target.Port);
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
