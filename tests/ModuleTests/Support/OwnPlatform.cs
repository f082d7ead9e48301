using System.Net.Http.Json;
using LlmPlatform.Host;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LlmPlatform.ModuleTests.Support;

/// <summary>A platform with settings of its own, for tests of what one setting changes or of what strangers may ask for too often.</summary>
internal sealed class OwnPlatform : IAsyncDisposable
{
    private readonly DirectoryInfo folder = TemporaryFolder.Create("llmp-own-");
    private Platform platform = null!;

    public HttpClient Client { get; private set; } = null!;

    public HttpClient Administrator { get; private set; } = null!;

    public IServiceProvider Services => platform.App.Services;

    public static Task<OwnPlatform> StartAsync(FakeTimeProvider? clock, params string[] settings) => StartAsync(
        services =>
        {
            if (clock is not null)
            {
                services.AddSingleton<TimeProvider>(clock);
            }
        },
        settings);

    /// <summary>With the test's last word on the services.</summary>
    public static async Task<OwnPlatform> StartAsync(Action<IServiceCollection> adjust, params string[] settings)
    {
        var own = new OwnPlatform();
        string[] arguments = [.. PlatformFixture.Arguments(Path.Combine(own.folder.FullName, "data"), own.folder.FullName), .. settings];
        own.platform = await Platform.StartAsync(
            arguments,
            builder => adjust(builder.Services),
            TestContext.Current.CancellationToken);
        own.Client = own.NewClient(null);
        using var administrator = await own.SignInAsync(PlatformFixture.Email, PlatformFixture.Password);
        var key = await administrator.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "tests", scopes = new[] { "*" } });
        own.Administrator = own.NewClient((await key.JsonAsync()).Text("key")); // a token would end when a test moves the clock
        return own;
    }

    /// <summary>Installs a model of random weights.</summary>
    public async Task InstallTinyAsync(string name)
    {
        var file = Path.Combine(folder.FullName, "tiny.gguf");
        File.Copy(TinyModel.Path, file, overwrite: true);
        Assert.Equal("succeeded", (await Administrator.InstallAsync($"file://{file}", name)).Text("state"));
    }

    public HttpClient NewClient(string? credential) => Clients.At(platform.Address, credential);

    public async Task<HttpClient> SignInAsync(string email, string password)
    {
        var answer = await Client.PostAsJsonAsync("/api/v1/auth/token", new { email, password });
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return NewClient((await answer.JsonAsync()).GetProperty("accessToken").GetString());
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        Administrator.Dispose();
        await platform.DisposeAsync();
        folder.Delete(recursive: true);
    }
}
