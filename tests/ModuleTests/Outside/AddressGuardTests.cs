using System.Net;
using CsCheck;
using LlmPlatform.SharedKernel;
using LlmPlatform.SharedKernel.Outside;
using Xunit;

namespace LlmPlatform.ModuleTests.Outside;

/// <summary>A41, A42: addresses that are this machine or its network, however they are written.</summary>
public sealed class AddressGuardTests
{
    private static readonly AddressGuard Closed = new([]);

    [Theory]
    [InlineData("http://2130706433"), InlineData("http://0x7f.1"), InlineData("http://0177.0.0.1"), InlineData("http://127.1"), InlineData("http://0")]
    [InlineData("http://0.0.0.0"), InlineData("http://[::]"), InlineData("http://[::1]"), InlineData("http://[::ffff:7f00:1]"), InlineData("http://[::127.0.0.1]")]
    [InlineData("http://[64:ff9b::7f00:1]"), InlineData("http://[2002:7f00:1::]"), InlineData("http://①②⑦.0.0.1"), InlineData("http://127。0。0。1")]
    [InlineData("http://0251.0376.0251.0376"), InlineData("http://169.254.169.254"), InlineData("http://100.64.0.1"), InlineData("http://192.168.1.1")]
    [InlineData("http://[fd00::1]"), InlineData("http://[fe80::1]"), InlineData("http://224.0.0.1"), InlineData("http://198.18.0.1"), InlineData("http://255.255.255.255")]
    public void A_literal_address_of_this_machine_or_its_network_is_blocked(string source)
    {
        Assert.True(IPAddress.TryParse(new Uri(source).IdnHost, out var address), "The platform would look this up as a name.");
        Assert.Equal("url.address_blocked", CodeOf(Closed, address));
    }

    [Theory]
    [InlineData("1.1.1.1"), InlineData("2606:4700:4700::1111"), InlineData("::ffff:1.1.1.1"), InlineData("64:ff9b::101:101")]
    public void A_public_address_is_not(string address) => Assert.Null(CodeOf(Closed, IPAddress.Parse(address)));

    [Fact]
    public void An_IPv4_address_inside_an_IPv6_one_is_judged_as_if_it_stood_there_plainly() => Gen.Byte.Array[4].Sample(four =>
    {
        var plain = CodeOf(Closed, new IPAddress(four));
        byte[] inverted = [.. four.Select(b => (byte)~b)];
        byte[][] disguises =
        [
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, .. four],
            [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, .. four],
            [0x20, 0x02, .. four, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            [0x20, 0x01, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0, .. inverted],
        ];
        return disguises.All(bytes => CodeOf(Closed, new IPAddress(bytes)) == plain);
    });

    [Fact]
    public void Only_the_webs_ports_are_open_unless_an_operator_opened_the_range()
    {
        Assert.Equal("url.port", CodeOf(Closed, IPAddress.Parse("1.1.1.1"), 5432));
        var opened = new AddressGuard([IPNetwork.Parse("10.0.0.0/8")]);
        Assert.Null(CodeOf(opened, IPAddress.Parse("10.1.2.3"), 5432));
        Assert.Equal("url.address_blocked", CodeOf(opened, IPAddress.Parse("192.168.0.1")));
    }

    private static string? CodeOf(AddressGuard guard, IPAddress address, int port = 443)
    {
        try
        {
            guard.Check(address, port);
            return null;
        }
        catch (Refusal refusal)
        {
            return refusal.Error.Code;
        }
    }
}
