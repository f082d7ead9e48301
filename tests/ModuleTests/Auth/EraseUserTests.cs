using System.IO.Compression;
using System.Net;
using System.Net.Http.Json;
using LlmPlatform.Auth;
using LlmPlatform.Auth.Users;
using LlmPlatform.Host;
using LlmPlatform.ModuleTests.Support;
using LlmPlatform.SharedKernel;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

/// <summary>What a person may take along, and what is left when they go.</summary>
public sealed class EraseUserTests : IAsyncLifetime
{
    private const string Email = "quokka.canary@example.com";
    private const string Name = "Quokka Canary";
    private readonly DirectoryInfo folder = TemporaryFolder.Create("llmp-erase-");
    private Platform platform = null!;
    private HttpClient administrator = null!;

    private static CancellationToken Timeout => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        platform = await Platform.StartAsync(PlatformFixture.Arguments(Path.Combine(folder.FullName, "data"), folder.FullName), adjust: null, Timeout);
        administrator = await SignInAsync(PlatformFixture.Email);
    }

    [Fact]
    public async Task Of_an_erased_person_nothing_can_be_read_in_any_table_also_after_the_users_are_built_anew_and_everybody_may_have_the_name()
    {
        var (id, user, key) = await PersonAsync();
        var sealedName = await ScalarAsync<string>("select data ->> 'sealedName' from auth.mt_doc_user where id = $1", id);
        var otherNode = new SubjectVault(platform.App.Services.GetRequiredService<NpgsqlDataSource>(), platform.App.Services.GetRequiredService<MasterKey>());
        Assert.Equal(Name, await otherNode.OpenAsync(id, sealedName, Timeout));

        Assert.Equal(HttpStatusCode.NoContent, (await administrator.DeleteAsync($"/api/v1/auth/users/{id}")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await administrator.DeleteAsync($"/api/v1/auth/users/{id}")).StatusCode);
        await Eventually.Async(async () => (await user.GetAsync("/api/v1/auth/me")).StatusCode, status => status == HttpStatusCode.Unauthorized);
        await Eventually.Async(async () => (await key.GetAsync("/v1/models")).StatusCode, status => status == HttpStatusCode.Unauthorized);
        Assert.Equal(HttpStatusCode.Unauthorized, (await PostSignInAsync(Email)).StatusCode);

        // Neither what was written in the clear nor what was sealed: the key is gone on every node, and no table keeps it.
        await Eventually.Async(() => otherNode.OpenAsync(id, sealedName, Timeout).AsTask(), name => name is null);
        Assert.True(await ScalarAsync<bool>("select wrapped is null from shared.subject_keys where subject = $1", id));
        await Assert.ThrowsAsync<InvalidOperationException>(() => otherNode.SealAsync(id, "again", Timeout).AsTask());
        await NothingIsFoundAsync();

        var store = platform.App.Services.GetRequiredService<IAuthStore>();
        using (var daemon = await store.BuildProjectionDaemonAsync())
        {
            await daemon.RebuildProjectionAsync<User>(Timeout);
        }

        await NothingIsFoundAsync();
        Assert.Equal(1L, await ScalarAsync<long>("select count(*) from auth.mt_doc_user where $1::uuid is not null", id)); // the administrator, as before
        Assert.Equal(HttpStatusCode.OK, (await administrator.GetAsync("/api/v1/auth/me")).StatusCode);

        var entries = await Eventually.Async(
            () => administrator.GetJsonAsync($"/api/v1/admin/audit?target=user:{id}&action=auth.user_erased"), page => page.GetProperty("items").GetArrayLength() > 0);
        Assert.Equal(1, entries.GetProperty("items").GetArrayLength());
        Assert.True((await administrator.GetJsonAsync("/api/v1/admin/audit/verification")).GetProperty("isIntact").GetBoolean());

        var next = await administrator.PostAsJsonAsync("/api/v1/auth/users", new { email = Email, name = Name });
        Assert.Equal(HttpStatusCode.Created, next.StatusCode);
        Assert.NotEqual(id.ToString(), (await next.JsonAsync()).Text("id"));
        Assert.True(await CountAsync(Email.Replace("@", ".", StringComparison.Ordinal)) == 0);
    }

    [Fact]
    public async Task Nobody_erases_others_or_the_last_administrator()
    {
        var (_, user, _) = await PersonAsync();
        var me = (await administrator.GetJsonAsync("/api/v1/auth/me")).Text("id");
        Assert.Equal(HttpStatusCode.Forbidden, (await user.DeleteAsync($"/api/v1/auth/users/{me}")).StatusCode);
        var last = await administrator.DeleteAsync($"/api/v1/auth/users/{me}");
        Assert.Equal((HttpStatusCode.Conflict, "user.last_administrator"), (last.StatusCode, (await last.JsonAsync()).Text("code")));
        var lastMe = await EraseMeAsync(administrator, PlatformFixture.Password);
        Assert.Equal((HttpStatusCode.Conflict, "user.last_administrator"), (lastMe.StatusCode, (await lastMe.JsonAsync()).Text("code")));
        Assert.Equal(HttpStatusCode.OK, (await administrator.GetAsync("/api/v1/auth/me")).StatusCode);
    }

    [Fact]
    public async Task Somebody_erases_themselves_with_their_password_and_not_without()
    {
        var (id, user, _) = await PersonAsync();
        var wrong = await EraseMeAsync(user, "not the password");
        Assert.Equal((HttpStatusCode.Forbidden, "password.wrong"), (wrong.StatusCode, (await wrong.JsonAsync()).Text("code")));
        Assert.Equal(HttpStatusCode.OK, (await user.GetAsync("/api/v1/auth/me")).StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, (await EraseMeAsync(user, PlatformFixture.Password)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await PostSignInAsync(Email)).StatusCode);
        Assert.DoesNotContain(id.ToString(), await administrator.GetStringAsync("/api/v1/auth/users"), StringComparison.Ordinal);
        await NothingIsFoundAsync();
    }

    [Fact]
    public async Task A_person_gets_everything_that_is_kept_of_them_readable_and_without_secrets_and_nobody_else_does()
    {
        var (id, user, key) = await PersonAsync();
        (await user.PatchAsJsonAsync("/api/v1/auth/me", new { name = "Quokka the Second" })).EnsureSuccessStatusCode();
        var files = await ArchiveAsync(user, "/api/v1/auth/me/export");
        Assert.Contains(Email, files["auth/profile.json"], StringComparison.Ordinal);
        Assert.Contains("Quokka the Second", files["auth/profile.json"], StringComparison.Ordinal);
        Assert.Contains("auth.user_registered.v1", files["auth/events.json"], StringComparison.Ordinal);
        Assert.Contains($"\"name\": \"{Name}\"", files["auth/events.json"], StringComparison.Ordinal); // the name before as well
        Assert.Contains("a program of mine", files["auth/api-keys.json"], StringComparison.Ordinal);
        Assert.Contains("\"isBrowser\": false", files["auth/sessions.json"], StringComparison.Ordinal);
        Assert.Contains("auth.signed_in", await Eventually.Async(async () => (await ArchiveAsync(user, "/api/v1/auth/me/export"))["admin/acts.json"], acts => acts.Contains("auth.signed_in")), StringComparison.Ordinal);
        Assert.Equal("[]", files["inference/installs.json"]);
        var secret = key.DefaultRequestHeaders.Authorization!.Parameter!;
        Assert.All(files.Values, text =>
        {
            Assert.DoesNotContain(secret[^20..], text, StringComparison.Ordinal);
            Assert.DoesNotContain("hash", text, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("sealed", text, StringComparison.OrdinalIgnoreCase);
        });

        Assert.Equal(files["auth/profile.json"], (await ArchiveAsync(administrator, $"/api/v1/auth/users/{id}/export"))["auth/profile.json"]);
        var mine = (await administrator.GetJsonAsync("/api/v1/auth/me")).Text("id");
        Assert.Equal(HttpStatusCode.Forbidden, (await user.GetAsync($"/api/v1/auth/users/{mine}/export")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await administrator.GetAsync($"/api/v1/auth/users/{Guid.CreateVersion7()}/export")).StatusCode);
    }

    public async ValueTask DisposeAsync()
    {
        administrator.Dispose();
        await platform.DisposeAsync();
        folder.Delete(recursive: true);
    }

    private static async Task<HttpResponseMessage> EraseMeAsync(HttpClient client, string password)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, "/api/v1/auth/me") { Content = JsonContent.Create(new { password }) };
        return await client.SendAsync(request, Timeout);
    }

    private static async Task<Dictionary<string, string>> ArchiveAsync(HttpClient client, string path)
    {
        var answer = await client.GetAsync(path, Timeout);
        Assert.Equal((HttpStatusCode.OK, "application/zip"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        await using var zip = new ZipArchive(await answer.Content.ReadAsStreamAsync(Timeout));
        var files = new Dictionary<string, string>();
        foreach (var entry in zip.Entries)
        {
            using var reader = new StreamReader(await entry.OpenAsync(Timeout));
            files[entry.FullName] = await reader.ReadToEndAsync(Timeout);
        }

        return files;
    }

    private async Task<(Guid Id, HttpClient User, HttpClient Key)> PersonAsync()
    {
        var created = await administrator.PostAsJsonAsync("/api/v1/auth/users", new { email = Email, name = Name, password = PlatformFixture.Password });
        created.EnsureSuccessStatusCode();
        var user = await SignInAsync(Email);
        var key = (await (await user.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "a program of mine" })).JsonAsync()).Text("key");
        return (Guid.Parse((await created.JsonAsync()).Text("id")!), user, Clients.At(platform.Address, key));
    }

    private async Task<HttpClient> SignInAsync(string email) => Clients.At(platform.Address, (await (await PostSignInAsync(email)).JsonAsync()).Text("accessToken"));

    private async Task<HttpResponseMessage> PostSignInAsync(string email)
    {
        using var client = Clients.At(platform.Address);
        return await client.PostAsJsonAsync("/api/v1/auth/token", new { email, password = PlatformFixture.Password }, Timeout);
    }

    private async Task NothingIsFoundAsync()
    {
        foreach (var text in (string[])["quokka", "canary", "Quokka Canary"])
        {
            Assert.True(await CountAsync(text) == 0, $"'{text}' is still there.");
        }
    }

    /// <summary>Rows of the whole schema, and of messages on their way, that hold a text.</summary>
    private async Task<long> CountAsync(string text)
    {
        var database = platform.App.Services.GetRequiredService<NpgsqlDataSource>();
        var tables = new List<string>();
        await using (var list = database.CreateCommand(
            "select quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables where schemaname in ('auth', 'admin', 'shared', 'messaging')"))
        await using (var reader = await list.ExecuteReaderAsync(Timeout))
        {
            while (await reader.ReadAsync(Timeout))
            {
                tables.Add(reader.GetString(0));
            }
        }

        Assert.Contains("auth.mt_events", tables);
        var count = 0L;
        foreach (var table in tables)
        {
            // Bodies of messages are bytes, whose text form is hexadecimal.
            await using var search = database.CreateCommand($"select count(*) from {table} t where t::text ilike $1 or t::text ilike $2");
            search.Parameters.AddWithValue($"%{text}%");
            search.Parameters.AddWithValue($"%{Convert.ToHexString(System.Text.Encoding.UTF8.GetBytes(text))}%");
            count += (long)(await search.ExecuteScalarAsync(Timeout))!;
        }

        return count;
    }

    private async Task<T> ScalarAsync<T>(string sql, Guid id)
    {
        await using var command = platform.App.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(sql);
        command.Parameters.AddWithValue(id);
        return (T)(await command.ExecuteScalarAsync(Timeout))!;
    }
}

/// <summary>The command that erases whoever sends it is tested with its twin.</summary>
public sealed class EraseMeTests(PlatformFixture platform)
{
    [Fact]
    public async Task Without_a_password_in_the_body_nobody_is_erased()
    {
        using var user = await platform.UserAsync();
        foreach (var body in (object[])[new { }, new { password = "" }, new { password = new string('a', 2000) }])
        {
            using var request = new HttpRequestMessage(HttpMethod.Delete, "/api/v1/auth/me") { Content = JsonContent.Create(body) };
            Assert.Equal(HttpStatusCode.BadRequest, (await user.SendAsync(request, TestContext.Current.CancellationToken)).StatusCode);
        }

        Assert.Equal(HttpStatusCode.OK, (await user.GetAsync("/api/v1/auth/me")).StatusCode);
    }
}
