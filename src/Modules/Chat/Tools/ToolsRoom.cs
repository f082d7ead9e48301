using FluentValidation;
using LlmPlatform.Auth.Contracts;
using Marten;
using Microsoft.Extensions.DependencyInjection;

namespace LlmPlatform.Chat.Tools;

/// <summary>What the module's page adds for this room.</summary>
internal static class ToolsRoom
{
    public static void AddTools(this IServiceCollection services)
    {
        services.AddSingleton<ToolSessions>();
        services.AddSingleton<ToolBox>();
        services.AddSingleton<IPersonalData, ConsentPersonalData>();
        services.AddSingleton<IValidator<SaveToolServer>, SaveToolServerValidator>();
        services.AddSingleton<IValidator<GiveConsent>, GiveConsentValidator>();
    }

    public static void AddTools(this StoreOptions options)
    {
        options.Schema.For<ToolServer>().Identity(s => s.Id);
        options.Schema.For<ToolConsent>().Identity(c => c.Id).Index(c => c.UserId).Index(c => c.Server);
    }
}
