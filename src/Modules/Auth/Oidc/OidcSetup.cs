using System.Security.Claims;
using System.Text.Encodings.Web;
using LlmPlatform.Auth.Credentials;
using LlmPlatform.Auth.SignIn;
using LlmPlatform.SharedKernel;
using LlmPlatform.SharedKernel.Outside;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Wolverine;

namespace LlmPlatform.Auth.Oidc;

/// <summary>Sign-in at an OpenID provider: authorization code with PKCE, and at its end the same session in a browser that a password opens.</summary>
internal static partial class OidcSetup
{
    private const string Scheme = "oidc";
    private const string CallbackPath = "/api/v1/auth/oidc/callback";
    public const string StartPath = "/api/v1/auth/oidc/sign-in";

    // Signatures that only the provider can make: a secret that it shares with us would make us one as well.
    private static readonly string[] Algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];
    private static readonly FormPage SignedInPage = new("SignedInPage.html");

    public static void AddOidc(this AuthenticationBuilder authentication, IConfiguration configuration)
    {
        var settings = OidcSettings.Read(configuration);
        authentication.Services.AddSingleton(settings);
        if (settings.Authority is not { } authority)
        {
            return;
        }

        authentication.AddOpenIdConnect(Scheme, options => Configure(options, authority, settings, configuration["PublicUrl"]));
        authentication.Services.AddOptions<OpenIdConnectOptions>(Scheme).Configure<GuardedHttp>(
            (options, http) => options.BackchannelHttpHandler = http.HandlerFor(authority));
    }

    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet(StartPath, StartAsync)
        .AllowAnonymous()
        .WithSummary("Sign in at the OpenID provider, with a browser")
        .WithTags("Sign-in")
        .Produces(302)
        .ProducesProblem(404);

    private static async Task StartAsync(string? returnUrl, HttpContext context, OidcSettings settings, ILogger<OidcSettings> logger)
    {
        if (settings.Authority is null)
        {
            throw Refusal.NotFound("oidc.off", "No OpenID provider is set up here.");
        }

        try
        {
            await context.ChallengeAsync(Scheme, new AuthenticationProperties { RedirectUri = SignInPage.LocalOrHome(returnUrl) });
        }
        catch (InvalidOperationException unreachable) when (!context.Response.HasStarted)
        {
            // The provider's description of itself could not be read; whoever wants to sign in sees the page again and not a document.
            LogFailed(logger, unreachable.GetType().Name, unreachable.Message);
            context.Response.Redirect($"{SignInPage.Path}?error=oidc");
        }
    }

    private static void Configure(OpenIdConnectOptions options, Uri authority, OidcSettings settings, string? publicUrl)
    {
        options.Authority = authority.ToString();
        options.RequireHttpsMetadata = authority.Scheme == "https";
        options.ClientId = settings.ClientId;
        options.ClientSecret = settings.ClientSecret;
        options.CallbackPath = CallbackPath;
        options.SignInScheme = CredentialHandler.Name; // asked for, but never used: the ticket becomes a session of ours
        options.ResponseType = OpenIdConnectResponseType.Code;
        options.ResponseMode = OpenIdConnectResponseMode.Query;
        options.UsePkce = true;
        options.MapInboundClaims = false;
        options.ClaimActions.Clear();
        options.Scope.Clear();
        foreach (var scope in settings.Scopes)
        {
            options.Scope.Add(scope);
        }

        options.TokenValidationParameters.ValidAlgorithms = Algorithms;
        options.TokenValidationParameters.ClockSkew = TimeSpan.FromSeconds(30);

        // The provider leads back here by a link, which Lax lets pass and Strict would not.
        foreach (var cookie in (CookieBuilder[])[options.CorrelationCookie, options.NonceCookie])
        {
            cookie.SameSite = SameSiteMode.Lax;
            cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        }

        options.Events.OnRedirectToIdentityProvider = context =>
        {
            if (publicUrl is { Length: > 0 })
            {
                context.ProtocolMessage.RedirectUri = publicUrl.TrimEnd('/') + CallbackPath;
            }

            return Task.CompletedTask;
        };
        options.Events.OnTokenValidated = context =>
        {
            // The library takes an unsigned token that came from the provider itself; ours have to be signed whatever the way.
            if (context.TokenEndpointResponse?.IdToken is not { } token || !new JsonWebToken(token).IsSigned)
            {
                context.Fail("The id token is not signed.");
            }

            return Task.CompletedTask;
        };
        options.Events.OnRemoteFailure = context =>
        {
            LogFailed(context.HttpContext.RequestServices.GetRequiredService<ILogger<OidcSettings>>(), context.Failure?.GetType().Name, context.Failure?.Message);
            context.HandleResponse();
            context.Response.Redirect($"{SignInPage.Path}?error=oidc");
            return Task.CompletedTask;
        };
        options.Events.OnTicketReceived = context => FinishAsync(context, settings, context.HttpContext.RequestAborted);
    }

    private static async Task FinishAsync(TicketReceivedContext context, OidcSettings settings, CancellationToken cancellation)
    {
        context.HandleResponse();
        var http = context.HttpContext;
        var before = (await http.AuthenticateAsync(CredentialHandler.Name)).Principal;
        var command = Read(context.Principal!, settings) with
        {
            Before = before?.IsByCookie() == true && Guid.TryParse(before.FindFirstValue(CurrentUser.SessionClaim), out var old) ? old : null,
        };
        ProviderSignIn outcome;
        try
        {
            outcome = await http.RequestServices.GetRequiredService<IMessageBus>().InvokeAsync<ProviderSignIn>(command, cancellation);
        }
        catch (Refusal refusal)
        {
            outcome = new ProviderSignIn(null, refusal.Error.Code);
        }

        if (outcome.Secret is not { } secret)
        {
            http.Response.Redirect($"{SignInPage.Path}?error={Uri.EscapeDataString(outcome.Refusal!)}");
            return;
        }

        // A redirect would still count as coming from the provider's site, and our cookie is for our own pages: so one of them leads on.
        PageCookie.Set(http, secret);
        var next = HtmlEncoder.Default.Encode(SignInPage.LocalOrHome(context.ReturnUri));
        await SignedInPage.Answer(http.Response, "{next}", next).ExecuteAsync(http);
    }

    private static SignInWithProvider Read(ClaimsPrincipal person, OidcSettings settings)
    {
        var subject = person.FindFirst(CurrentUser.SubjectClaim) ?? throw new InvalidOperationException("The provider's token names nobody.");
        return new SignInWithProvider(
            subject.Issuer,
            subject.Value,
            person.FindFirstValue("email"),
            string.Equals(person.FindFirstValue("email_verified"), "true", StringComparison.OrdinalIgnoreCase),
            person.FindFirstValue("name") ?? person.FindFirstValue("preferred_username"),
            [.. person.FindAll(settings.GroupsClaim).Select(group => group.Value)],
            Before: null);
    }

    [LoggerMessage(LogLevel.Warning, "A sign-in at the OpenID provider failed: {Kind} {Reason}")]
    private static partial void LogFailed(ILogger logger, string? kind, string? reason);
}
