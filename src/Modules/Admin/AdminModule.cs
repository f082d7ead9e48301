using LlmPlatform.Admin.Audit;
using LlmPlatform.Admin.PersonalData;
using LlmPlatform.Auth.Contracts;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace LlmPlatform.Admin;

public interface IAdminStore : IDocumentStore;

/// <summary>The module's contents on one page.</summary>
public static class AdminModule
{
    public static readonly AppModule Definition = new("admin", typeof(IAdminStore), builder => builder.AddAdminModule())
    {
        Messaging = options => options.LocalQueue(RecordActHandler.Queue).Sequential(),
    };

    private static void AddAdminModule(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton<AuditTrail>();
        builder.Services.AddSingleton<IPersonalData, AuditPersonalData>();
        builder.AddModuleStore<IAdminStore>(Definition.Schema, options => options.AddAuditTable());
    }
}
