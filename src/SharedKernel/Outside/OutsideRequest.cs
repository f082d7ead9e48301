using System.Net;
using System.Net.Http.Headers;

namespace LlmPlatform.SharedKernel.Outside;

/// <summary>Something that is read from another machine.</summary>
public sealed record OutsideRequest(Uri Address)
{
    /// <summary>Sent to the origin of <see cref="Address"/> alone, and in the clear only to where an operator opened some range.</summary>
    public string? BearerToken { get; init; }

    /// <summary>Media types, as in the header <c>Accept</c>; null for any.</summary>
    public string? Accept { get; init; }

    /// <summary>The first byte that is wanted, and the last; null for the whole.</summary>
    public RangeItemHeaderValue? Range { get; init; }

    /// <summary>The range is wanted of this version alone; else the whole.</summary>
    public EntityTagHeaderValue? IfRange { get; init; }
}

/// <summary>A whole answer that was small enough.</summary>
public sealed record SmallAnswer(HttpStatusCode Status, byte[] Body, HttpResponseHeaders Headers)
{
    public bool IsSuccess => (int)Status is >= 200 and < 300;
}
