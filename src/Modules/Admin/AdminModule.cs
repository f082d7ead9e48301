using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.Extensions.Hosting;

namespace LlmPlatform.Admin;

public interface IAdminStore : IDocumentStore;

/// <summary>The module's contents on one page.</summary>
public static class AdminModule
{
    public static readonly AppModule Definition = new("admin", typeof(IAdminStore), builder => builder.AddAdminModule());

    private static void AddAdminModule(this IHostApplicationBuilder builder)
    {
        builder.AddModuleStore<IAdminStore>(Definition.Schema, options =>
        {
        });
    }
}
