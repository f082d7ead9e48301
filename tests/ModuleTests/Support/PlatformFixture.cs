using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using LlmPlatform.Host;
using LlmPlatform.Inference.Models;
using LlmPlatform.Inference.Workers;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

[assembly: AssemblyFixture(typeof(PlatformFixture))]

namespace LlmPlatform.ModuleTests.Support;

/// <summary>One whole platform for all tests: real Kestrel, embedded PostgreSQL, real workers, and an installed model.</summary>
public sealed class PlatformFixture : IAsyncLifetime
{
    public const string Email = "admin@example.com";
    public const string Password = "correct horse battery";

    /// <summary>The model that is installed: the trained one where it is there, else one of random weights.</summary>
    public const string Model = "stories";

    private readonly DirectoryInfo folder = TemporaryFolder.Create("llmp-tests-");
    private int users;

    public Platform Platform { get; private set; } = null!;

    /// <summary>Nobody's client.</summary>
    public HttpClient Client { get; private set; } = null!;

    public HttpClient Administrator { get; private set; } = null!;

    /// <summary>A folder that files may be installed from.</summary>
    public string Imports => Directory.CreateDirectory(Path.Combine(folder.FullName, "imports")).FullName;

    public async ValueTask InitializeAsync()
    {
        Platform = await Platform.StartAsync(Arguments(Path.Combine(folder.FullName, "data"), Imports), adjust: null, TestContext.Current.CancellationToken);
        Client = NewClient();
        Administrator = await SignInAsync(Email, Password);
        File.Copy(RealModel.PathOrStandIn, Path.Combine(Imports, "model.gguf"));
        await Administrator.InstallAsync($"file://{Imports}/model.gguf", Model);
    }

    public static string[] Arguments(string data, string imports) =>
    [
        "--Urls=http://127.0.0.1:0",
        $"--Data:Path={data}",
        $"--Setup:Email={Email}",
        $"--Setup:Password={Password}",
        $"--Inference:ImportPaths:0={imports}",
        "--Inference:AllowedAddresses:0=127.0.0.0/8",
        "--Hub:Endpoint=", // no test asks the internet
        "--Inference:DownloadRetryDelay=00:00:00.005",
        "--Inference:DownloadChunkBytes=65536",
        "--RateLimits:AnonymousPerMinute=0", // all tests come from one address
        "--RateLimits:UserPerMinute=0",
        "--RateLimits:KeyPerMinute=0",
        "--Logging:Level=Warning",
    ];

    public async Task<HttpClient> UserAsync(string role = "user")
    {
        var number = Interlocked.Increment(ref users);
        var email = $"user{number}@example.com";
        var created = await Administrator.PostAsJsonAsync("/api/v1/auth/users", new { email, name = $"Somebody {number}", password = Password, role });
        created.EnsureSuccessStatusCode();
        return await SignInAsync(email, Password);
    }

    public async Task<HttpClient> SignInAsync(string email, string password) =>
        NewClient((await (await Client.PostAsJsonAsync("/api/v1/auth/token", new { email, password })).JsonAsync()).GetProperty("accessToken").GetString());

    public string BlobOf(string digest) => Platform.App.Services.GetRequiredService<ModelFiles>().PathOf(digest);

    /// <summary>Requests that a model's worker serves now.</summary>
    public int RunningOf(string model) => Platform.App.Services.GetRequiredService<WorkerPool>().StateOf(model).Running;

    public string PartialOf(string key) => Platform.App.Services.GetRequiredService<ModelFiles>().PartialOf(key);

    public HttpClient NewClient(string? credential = null) => Clients.At(Platform.Address, credential);

    public async ValueTask DisposeAsync()
    {
        await Platform.DisposeAsync();
        folder.Delete(recursive: true);
    }
}

internal static class Clients
{
    public static HttpClient At(Uri address, string? credential = null)
    {
#pragma warning disable RS0030 // a test is a client of its own, and goes to this machine only
        var client = new HttpClient { BaseAddress = address };
#pragma warning restore RS0030
        if (credential is not null)
        {
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", credential);
        }

        return client;
    }

    public static async Task<JsonElement> JsonAsync(this HttpResponseMessage answer) =>
        JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;

    public static async Task<JsonElement> GetJsonAsync(this HttpClient client, string path) => await (await client.GetAsync(path)).JsonAsync();

    /// <summary>Asks for an install and gives its state when it is over.</summary>
    public static async Task<JsonElement> InstallAsync(this HttpClient client, string source, string name, string? sha256 = null)
    {
        var answer = await client.PostAsJsonAsync("/api/v1/inference/installs", new { source, name, sha256 });
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return await Eventually.Async(
            () => client.GetJsonAsync(answer.Headers.Location!.ToString()), install => install.Text("state") is "succeeded" or "failed" or "cancelled");
    }

    /// <summary>Installs the shared model once more, under a name that a test may do with as it likes.</summary>
    public static async Task EnsureInstalledAsync(this HttpClient client, PlatformFixture platform, string name)
    {
        if ((await client.GetAsync($"/api/v1/inference/models/{name}")).StatusCode == HttpStatusCode.NotFound)
        {
            Assert.Equal("succeeded", (await client.InstallAsync($"file://{platform.Imports}/model.gguf", name)).Text("state"));
        }
    }

    public static string? Text(this JsonElement element, string name) => element.GetProperty(name).GetString();
}

/// <summary>Asks again until an answer fits. It gives up with the last answer, and never waits for a fixed time.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static async Task<T> Async<T>(Func<Task<T>> ask, Func<T, bool> fits)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var answer = await ask();
            if (fits(answer))
            {
                return answer;
            }

            Assert.True(TimeProvider.System.GetElapsedTime(since) < Patience, $"It did not come about; the last answer was {answer}.");
            await Task.Delay(TimeSpan.FromMilliseconds(20), TestContext.Current.CancellationToken);
        }
    }
}
