using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;

namespace LlmPlatform.Auth.SignIn;

/// <summary>Where a request comes from, by its socket: a header can be made up.</summary>
public sealed class CallerAddress(IHttpContextAccessor accessor)
{
    /// <summary>The address, or for IPv6 its /64 network, because one household owns all of it.</summary>
    public string Network => accessor.HttpContext?.Connection.RemoteIpAddress is { } address ? NetworkOf(address) : "local";

    internal static string NetworkOf(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        return address.AddressFamily == AddressFamily.InterNetworkV6 ? Convert.ToHexStringLower(address.GetAddressBytes().AsSpan(0, 8)) : address.ToString();
    }
}
