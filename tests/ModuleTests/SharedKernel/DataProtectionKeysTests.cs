using System.Security.Cryptography;
using LlmPlatform.ModuleTests.Support;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Xunit;

namespace LlmPlatform.ModuleTests.SharedKernel;

public sealed class DataProtectionKeysTests(PlatformFixture platform) : IDisposable
{
    private readonly DirectoryInfo folder = TemporaryFolder.Create("llmp-keys-");

    private IServiceProvider First => platform.Platform.App.Services;

    [Fact]
    public void Another_node_with_the_same_master_key_opens_what_the_first_protected()
    {
        var text = First.GetDataProtector("a test").Protect("a secret");
        using var second = Node(First.GetRequiredService<MasterKey>());
        Assert.Equal("a secret", second.GetDataProtector("a test").Unprotect(text));
        Assert.Throws<CryptographicException>(() => second.GetDataProtector("another use").Unprotect(text));
    }

    [Fact]
    public void The_database_without_the_master_key_opens_nothing()
    {
        var text = First.GetDataProtector("a test").Protect("a secret");
        using var thief = Node(MasterKey.LoadOrCreate(Path.Combine(folder.FullName, "another.key")), isReadOnly: true);
        Assert.Throws<CryptographicException>(() => thief.GetDataProtector("a test").Unprotect(text));
    }

    [Fact]
    public async Task No_row_holds_a_key_in_the_clear()
    {
        First.GetDataProtector("a test").Protect("a secret"); // there is a key at least now
        await using var command = First.GetRequiredService<NpgsqlDataSource>().CreateCommand("select string_agg(xml, '') from shared.data_protection_keys");
        var rows = Assert.IsType<string>(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
        Assert.Contains("wrappedByMasterKey", rows, StringComparison.Ordinal);
        Assert.DoesNotContain("masterKey", rows, StringComparison.Ordinal); // the element of Data Protection that holds a key's bytes
    }

    public void Dispose() => folder.Delete(recursive: true);

    private ServiceProvider Node(MasterKey master, bool isReadOnly = false)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(First.GetRequiredService<NpgsqlDataSource>());
        services.AddSingleton(master);
        services.AddDataProtectionKeys();
        if (isReadOnly)
        {
            services.Configure<Microsoft.AspNetCore.DataProtection.KeyManagement.KeyManagementOptions>(options => options.AutoGenerateKeys = false);
        }

        return services.BuildServiceProvider();
    }
}
