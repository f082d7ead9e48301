using LlmPlatform.SharedKernel;

namespace LlmPlatform.Auth.SignIn;

/// <summary>
/// Limits wrong passwords; a right one gives its count back. More are allowed for an address than for an account, because many people may share
/// one. Sessions that exist are never touched: nobody is locked out by somebody else's guesses.
/// </summary>
public sealed class SignInAttempts(TimeProvider clock) : Attempts(
    clock, perAccount: 10, perAddress: 30, window: TimeSpan.FromMinutes(5), new Error(429, "auth.too_many_attempts", "Too many failed attempts to sign in. Wait before the next one."));
