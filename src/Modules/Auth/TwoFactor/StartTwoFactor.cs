using FluentValidation;
using LlmPlatform.Auth.SignIn;
using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using OtpNet;
using QRCoder;
using Wolverine.Http;

namespace LlmPlatform.Auth.TwoFactor;

/// <summary>Begins to set up a second factor. It counts once a code was shown to be right.</summary>
public sealed record StartTwoFactor(string CurrentPassword);

/// <summary>A secret for an authenticator app, shown this once.</summary>
/// <param name="Secret">Base32, for typing.</param>
/// <param name="Uri">The same as an <c>otpauth</c> address.</param>
/// <param name="QrCode">That address as a picture: a <c>data:</c> address of a PNG.</param>
public sealed record TwoFactorSecret(string Secret, string Uri, string QrCode);

internal sealed class StartTwoFactorValidator : AbstractValidator<StartTwoFactor>
{
    public StartTwoFactorValidator() => RuleFor(c => c.CurrentPassword).NotEmpty().MaximumLength(UserRules.LongestPassword);
}

public static class StartTwoFactorEndpoint
{
    private const string Issuer = "LlmPlatform";
    private const int PixelsOfAModule = 5;

    [WolverinePost("/api/v1/auth/me/two-factor", OperationId = "startTwoFactor"), Authorize]
    [EndpointSummary("Begin to set up a second factor"), Tags("Two-factor"), ProducesResponseType<ProblemDetails>(403), ProducesResponseType<ProblemDetails>(409)]
    public static async Task<TwoFactorSecret> Post(
        StartTwoFactor command,
        IDocumentSession session,
        Reauthentication reauthentication,
        SubjectVault vault,
        CurrentUser currentUser,
        CancellationToken cancellation)
    {
        await reauthentication.RequireAsync(session, currentUser.Id, command.CurrentPassword, cancellation);
        if (await SecondFactors.FindAsync(session, currentUser.Id, cancellation) is { IsOn: true })
        {
            throw new Refusal(new Error(409, "two_factor.on", "You have a second factor. Turn it off before you set up another."));
        }

        var user = await session.LoadAsync<User>(currentUser.Id, cancellation) ?? throw Refusal.Unauthenticated();
        var secret = SecondFactor.CreateSecret();
        SecondFactors.Begin(session, user.Id, await vault.SealAsync(user.Id, secret, cancellation));
        var uri = new OtpUri(OtpType.Totp, secret, await vault.OpenAsync(user.Id, user.SealedEmail, cancellation) ?? "", Issuer).ToString();
        return new TwoFactorSecret(secret, uri, Picture(uri));
    }

    private static string Picture(string uri)
    {
        using var generator = new QRCodeGenerator();
        using var code = generator.CreateQrCode(uri, QRCodeGenerator.ECCLevel.M);
        using var picture = new PngByteQRCode(code);
        return $"data:image/png;base64,{Convert.ToBase64String(picture.GetGraphic(PixelsOfAModule))}";
    }
}
