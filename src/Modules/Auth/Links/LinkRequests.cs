using LlmPlatform.Auth.SignIn;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Auth.Links;

/// <summary>Limits what strangers may ask for: each request costs a mail to somebody or a hash, and counts whether the address is known or not.</summary>
public sealed class LinkRequests(TimeProvider clock) : Attempts(
    clock, perAccount: 5, perAddress: 30, window: TimeSpan.FromMinutes(15), new Error(429, "auth.too_many_requests", "Too many such requests. Wait before the next one."));
