using FluentValidation;
using JasperFx.Events.Projections;
using LlmPlatform.Auth.ApiKeys;
using LlmPlatform.Auth.Avatars;
using LlmPlatform.Auth.Contracts;
using LlmPlatform.Auth.Credentials;
using LlmPlatform.Auth.Groups;
using LlmPlatform.Auth.Invitations;
using LlmPlatform.Auth.Joining;
using LlmPlatform.Auth.Links;
using LlmPlatform.Auth.Mail;
using LlmPlatform.Auth.Oidc;
using LlmPlatform.Auth.PersonalData;
using LlmPlatform.Auth.Quotas;
using LlmPlatform.Auth.Recovery;
using LlmPlatform.Auth.Setup;
using LlmPlatform.Auth.SignIn;
using LlmPlatform.Auth.TwoFactor;
using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace LlmPlatform.Auth;

public interface IAuthStore : IDocumentStore;

/// <summary>The module's contents on one page.</summary>
public static class AuthModule
{
    public static readonly AppModule Definition = new("auth", typeof(IAuthStore), builder => builder.AddAuthModule())
    {
        MapRoads = MapRoads,
        Guard = app => app.UseMiddleware<CrossSite>().UseMiddleware<Revocation>(),
    };

    private static void MapRoads(IEndpointRouteBuilder routes)
    {
        SetupPage.Map(routes);
        LinkPage.Map(routes);
        routes.MapAvatars();
        SignInPage.Map(routes);
        AntiforgeryTokens.Map(routes);
        OidcSetup.Map(routes);
    }

    private static void AddAuthModule(this IHostApplicationBuilder builder)
    {
        builder.AddModuleStore<IAuthStore>(Definition.Schema, Configure);

        var services = builder.Services;
        services.AddSingleton<Registration>();
        services.AddSingleton<Passwords>();
        services.AddSingleton<AccessTokens>();
        services.AddSingleton<SignInAttempts>();
        services.AddSingleton<PasswordSignIn>();
        services.AddSingleton<Reauthentication>();
        services.AddSingleton<SecondFactor>();
        services.AddSingleton<AvatarPictures>();
        services.AddSingleton<PublicAddress>();
        services.AddSingleton<OneTimeLinks>();
        services.AddSingleton<LinkRequests>();
        services.AddSingleton<MailSettings>();
        services.AddSingleton<SignUpMode>();
        services.AddSingleton<CallerAddress>();
        services.AddSingleton<SetupLink>();
        services.AddSingleton<Credentials.Credentials>();
        services.AddSingleton<ApiKeyUses>();
        services.AddHostedService(s => s.GetRequiredService<ApiKeyUses>());
        services.AddSingleton<IQuotaLimits, QuotaLimits>();
        services.AddSingleton<IUserDirectory, UserDirectory>();
        services.AddSingleton<IPersonalData, AuthPersonalData>();
        services.AddSingleton<PersonalArchive>();
        services.AddHostedService<FirstAdministrator>();
        services.AddHttpContextAccessor();

        services.AddSingleton<IValidator<RegisterUser>, RegisterUserValidator>();
        services.AddSingleton<IValidator<SaveGroup>, SaveGroupValidator>();
        services.AddSingleton<IValidator<ChangeUser>, ChangeUserValidator>();
        services.AddSingleton<IValidator<RenameMe>, RenameMeValidator>();
        services.AddSingleton<IValidator<EraseMe>, EraseMeValidator>();
        services.AddSingleton<IValidator<ChangePassword>, ChangePasswordValidator>();
        services.AddSingleton<IValidator<ChangeEmail>, ChangeEmailValidator>();
        services.AddSingleton<IValidator<ConfirmEmail>, ConfirmEmailValidator>();
        services.AddSingleton<IValidator<StartTwoFactor>, StartTwoFactorValidator>();
        services.AddSingleton<IValidator<ConfirmTwoFactor>, ConfirmTwoFactorValidator>();
        services.AddSingleton<IValidator<DisableTwoFactor>, DisableTwoFactorValidator>();
        services.AddSingleton<IValidator<Invite>, InviteValidator>();
        services.AddSingleton<IValidator<AcceptInvitation>, AcceptInvitationValidator>();
        services.AddSingleton<IValidator<SignUp>, SignUpValidator>();
        services.AddSingleton<IValidator<ConfirmSignUp>, ConfirmSignUpValidator>();
        services.AddSingleton<IValidator<RequestPasswordReset>, RequestPasswordResetValidator>();
        services.AddSingleton<IValidator<CompletePasswordReset>, CompletePasswordResetValidator>();
        services.AddSingleton<IValidator<CompleteSetup>, CompleteSetupValidator>();
        services.AddSingleton<IValidator<SignIn.SignIn>, SignInValidator>();
        services.AddSingleton<IValidator<RefreshSignIn>, RefreshSignInValidator>();
        services.AddSingleton<IValidator<CreateApiKey>, CreateApiKeyValidator>();
        services.AddSingleton<IValidator<ChangeApiKey>, ChangeApiKeyValidator>();
        services.AddSingleton<IValidator<RotateApiKey>, RotateApiKeyValidator>();
        services.AddSingleton<IValidator<SetQuota>, SetQuotaValidator>();

        services.AddAntiforgery(AntiforgeryTokens.Configure);
        services.AddAuthentication(CredentialHandler.Name)
            .AddScheme<AuthenticationSchemeOptions, CredentialHandler>(CredentialHandler.Name, null)
            .AddOidc(builder.Configuration);
        services.AddSingleton<IAuthorizationHandler, RoadScopeHandler>();
        var signedIn = new AuthorizationPolicyBuilder().RequireAuthenticatedUser().AddRequirements(new RoadScopeRequirement()).Build();
        var policies = services.AddAuthorizationBuilder()
            .SetDefaultPolicy(signedIn)
            .SetFallbackPolicy(signedIn)
            .AddPolicy(Policies.Administrator, policy => policy.Combine(signedIn).RequireRole(Roles.Administrator));
        foreach (var permission in Permissions.All)
        {
            policies.AddPolicy(permission, policy => policy.Combine(signedIn).RequireAssertion(context =>
                context.User.IsInRole(Roles.Administrator) || context.User.HasClaim(CurrentUser.PermissionClaim, permission)));
        }
    }

    private static void Configure(StoreOptions options)
    {
        options.Events.MapEventType<Users.UserRegistered>("auth.user_registered.v1");
        options.Events.MapEventType<UserRenamed>("auth.user_renamed.v1");
        options.Events.MapEventType<UserEmailChanged>("auth.user_email_changed.v1");
        options.Events.MapEventType<UserRoleChanged>("auth.user_role_changed.v1");
        options.Events.MapEventType<UserDisabled>("auth.user_disabled.v1");
        options.Events.MapEventType<UserEnabled>("auth.user_enabled.v1");
        options.Events.MapEventType<UserJoinedGroup>("auth.user_joined_group.v1");
        options.Events.MapEventType<UserLeftGroup>("auth.user_left_group.v1");
        options.Events.MapEventType<Users.UserErased>("auth.user_erased.v1");
        options.Events.MapEventType<ApiKeyCreated>("auth.api_key_created.v1");
        options.Events.MapEventType<ApiKeyChanged>("auth.api_key_changed.v1");
        options.Events.MapEventType<ApiKeyRotated>("auth.api_key_rotated.v1");
        options.Events.MapEventType<ApiKeyRevoked>("auth.api_key_revoked.v1");
        options.Projections.Snapshot<User>(SnapshotLifecycle.Inline);
        options.Projections.Snapshot<ApiKey>(SnapshotLifecycle.Inline);
        options.Schema.For<ApiKey>().UniqueIndex(k => k.Prefix).Index(k => k.UserId);
        options.Schema.For<User>().GinIndexJsonData();
        options.Schema.For<Group>().Identity(g => g.Id);
        options.Schema.For<Quota>().Identity(q => q.Id);
        options.Storage.ExtendedSchemaObjects.Add(ApiKeyUses.Table(Definition.Schema));
        options.Schema.For<EmailClaim>().Identity(c => c.Id);
        options.Schema.For<AccountLink>().Identity(l => l.Id).Index(l => l.UserId);
        options.Schema.For<NameClaim>().Identity(c => c.Id).Duplicate(c => c.UserId);
        options.Schema.For<Password>().Identity(p => p.Id);
        options.Schema.For<OneTimeLink>().Identity(l => l.Id).Index(l => l.UserId);
        options.Schema.For<Invitation>().Identity(i => i.Id).Index(i => i.EmailIndex);
        options.Schema.For<SetupState>().Identity(s => s.Id);
        foreach (var table in SignInSessions.Tables(Definition.Schema).Concat(SecondFactors.Tables(Definition.Schema)).Append(AvatarTable.Describe(Definition.Schema)))
        {
            options.Storage.ExtendedSchemaObjects.Add(table);
        }
    }
}
