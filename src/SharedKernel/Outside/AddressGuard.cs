using System.Net;
using System.Net.Sockets;

namespace LlmPlatform.SharedKernel.Outside;

/// <summary>
/// Decides which addresses the host may connect to for a user. Only global unicast addresses may be reached: everything else is this machine, its
/// network or a cloud's metadata service, unless an operator allowed the range. Addresses in disguise (IPv4 inside IPv6) are judged by what they hide.
/// </summary>
public sealed class AddressGuard(IReadOnlyList<IPNetwork> allowed)
{
    // The IANA special-purpose registries for IPv4 and IPv6 (RFC 6890 and its updates), as far as they are not globally reachable.
    private static readonly IPNetwork[] Closed =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24",
            "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16",
        }.Select(IPNetwork.Parse),
    ];

    private static readonly IPNetwork GlobalV6 = IPNetwork.Parse("2000::/3");

    /// <summary>Whether an operator opened some range: only then can an odd port, or http with a credential, be right.</summary>
    public bool HasOpenRanges => allowed.Count > 0;

    /// <summary>Refuses an address that can be seen to be wrong, with 422. A name is looked at again when it is connected to.</summary>
    public Uri Check(Uri address)
    {
        if (address.Scheme is not ("http" or "https"))
        {
            throw new Refusal(new Error(422, "url.scheme", "The address does not begin with http:// or https://.", "source"));
        }

        if (address.UserInfo.Length > 0)
        {
            throw new Refusal(new Error(422, "url.syntax", "The address must not hold a user name or password.", "source"));
        }

        if (IPAddress.TryParse(address.IdnHost.Trim('[', ']'), out var literal))
        {
            Check(literal, address.Port);
        }
        else if (address.IdnHost.TrimEnd('.').Equals("localhost", StringComparison.OrdinalIgnoreCase))
        {
            Check(IPAddress.Loopback, address.Port);
        }
        else if (address.Port is not (80 or 443) && !HasOpenRanges)
        {
            throw PortRefused(address.Port);
        }

        return address;
    }

    /// <summary>Refuses an address, or a port that is not the web's, with 422.</summary>
    public void Check(IPAddress address, int port)
    {
        var real = Reveal(address);
        if (allowed.Any(network => network.Contains(real)))
        {
            return; // an operator opened this range, whatever the port
        }

        if (!IsGlobal(real))
        {
            throw new Refusal(new Error(422, "url.address_blocked", "The source is an address that this platform does not connect to. An operator can allow it with Inference:AllowedAddresses.", "source"));
        }

        if (port is not (80 or 443))
        {
            throw PortRefused(port);
        }
    }

    private static Refusal PortRefused(int port) => new(new Error(422, "url.port", $"Sources are read from ports 80 and 443 only, not from {port}.", "source"));

    /// <summary>The IPv4 address that an IPv6 address stands for, or the address itself.</summary>
    internal static IPAddress Reveal(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address;
        }

        var bytes = address.GetAddressBytes();
        return address switch
        {
            { IsIPv4MappedToIPv6: true } => address.MapToIPv4(),
            { IsIPv6Teredo: true } => new IPAddress([.. bytes[12..].Select(b => (byte)~b)]), // RFC 4380: the client's address, inverted
            _ when bytes.AsSpan(0, 12).IndexOfAnyExcept((byte)0) < 0 && bytes.AsSpan(12).IndexOfAnyExcept((byte)0) >= 0 && !address.Equals(IPAddress.IPv6Loopback) => new IPAddress(bytes[12..]), // RFC 4291: compatible
            _ when IsNat64(bytes) => new IPAddress(bytes[12..]), // RFC 6052, RFC 8215
            _ when bytes is [0x20, 0x02, ..] => new IPAddress(bytes[2..6]), // RFC 3056: 6to4
            _ => address,
        };
    }

    private static bool IsNat64(byte[] bytes) =>
        bytes.AsSpan(0, 12).SequenceEqual((ReadOnlySpan<byte>)[0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0]) || bytes is [0, 0x64, 0xff, 0x9b, 0, 1, ..];

    private static bool IsGlobal(IPAddress address) =>
        !Closed.Any(network => network.Contains(address))
        && (address.AddressFamily == AddressFamily.InterNetwork || (GlobalV6.Contains(address) && address.ScopeId == 0));
}
