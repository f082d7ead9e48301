using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.Extensions.Hosting;

namespace LlmPlatform.Auth;

public interface IAuthStore : IDocumentStore;

/// <summary>The module's contents on one page.</summary>
public static class AuthModule
{
    public static readonly AppModule Definition = new("auth", typeof(IAuthStore), builder => builder.AddAuthModule());

    private static void AddAuthModule(this IHostApplicationBuilder builder)
    {
        builder.AddModuleStore<IAuthStore>(Definition.Schema, options =>
        {
        });
    }
}
