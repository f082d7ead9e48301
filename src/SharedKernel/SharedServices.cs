using System.Net;
using LlmPlatform.SharedKernel.Outside;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace LlmPlatform.SharedKernel;

public static class SharedServices
{
    /// <summary>Adds what several modules use: the database, the master key, the vault of personal text, the caller.</summary>
    public static void AddSharedKernel(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton(builder.Database());
        var allowed = builder.Configuration.GetSection("Inference:AllowedAddresses").Get<string[]>() ?? [];
        builder.Services.AddSingleton(new AddressGuard([.. allowed.Select(IPNetwork.Parse)]));
        builder.Services.AddSingleton<GuardedHttp>();
        builder.Services.AddSingleton<HubAddress>();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<Caller>();
        var keys = builder.KeyDatabase();
        builder.Services.AddSingleton(s => new SubjectVault(keys, s.GetRequiredService<MasterKey>()));
        builder.Services.AddSingleton(s => new SigningKeys(keys, s.GetRequiredService<MasterKey>(), s.GetRequiredService<TimeProvider>()));
        builder.Services.AddSingleton<IdempotencyRecords>();
        builder.Services.AddDataProtectionKeys();
        builder.Services.AddSingleton(services =>
        {
            var configuration = services.GetRequiredService<IConfiguration>();
            return MasterKey.LoadOrCreate(configuration["Security:MasterKeyFile"] ?? Path.Combine(configuration["Data:Path"]!, "master.key"));
        });
    }
}
