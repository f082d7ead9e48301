using System.Net;
using System.Net.Sockets;

namespace LlmPlatform.SharedKernel;

/// <summary>Who counts as one neighbour where requests are limited by where they come from.</summary>
public static class ClientNetwork
{
    /// <summary>The address, or for IPv6 its /64 network, because one household owns all of it.</summary>
    public static string Of(IPAddress? address)
    {
        if (address is null)
        {
            return "local";
        }

        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        return address.AddressFamily == AddressFamily.InterNetworkV6 ? Convert.ToHexStringLower(address.GetAddressBytes().AsSpan(0, 8)) : address.ToString();
    }
}
