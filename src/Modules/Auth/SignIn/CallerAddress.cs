using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Http;

namespace LlmPlatform.Auth.SignIn;

/// <summary>Where a request comes from, by its socket: a header can be made up.</summary>
public sealed class CallerAddress(IHttpContextAccessor accessor)
{
    public string Network => ClientNetwork.Of(accessor.HttpContext?.Connection.RemoteIpAddress);
}
