using System.Net.Http.Json;
using LlmPlatform.Admin;
using LlmPlatform.Admin.Audit;
using LlmPlatform.ModuleTests.Support;
using Marten.Services;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Xunit;

namespace LlmPlatform.ModuleTests.Admin;

public sealed class AuditTests(PlatformFixture platform)
{
    private static CancellationToken Timeout => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_act_is_an_entry_and_the_chain_verifies()
    {
        var key = await (await platform.Administrator.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "audited" })).JsonAsync();
        var target = $"api_key:{key.Text("id")}";
        var entries = await Eventually.Async(
            () => platform.Administrator.GetJsonAsync($"/api/v1/admin/audit?target={target}"), page => page.GetProperty("items").GetArrayLength() > 0);
        Assert.Equal("auth.api_key_created", entries.GetProperty("items")[0].Text("action"));
        Assert.True((await platform.Administrator.GetJsonAsync("/api/v1/admin/audit/verification")).GetProperty("isIntact").GetBoolean());
    }

    [Theory]
    [InlineData("update admin.audit_entries set action = 'auth.nothing_happened' where seq = 2", 2)]
    [InlineData("update admin.audit_entries set at = at + interval '1 second' where seq = 1", 1)]
    [InlineData("delete from admin.audit_entries where seq = 2", 2)]
    [InlineData("delete from admin.audit_entries where seq = 1", 1)]
    [InlineData("update admin.audit_entries set seq = case seq when 1 then 2 else 1 end where seq in (1, 2)", 1)]
    public async Task Whoever_changes_the_table_by_hand_is_found_out(string tampering, long at)
    {
        await Eventually.Async(
            () => platform.Administrator.GetJsonAsync("/api/v1/admin/audit/verification"), chain => chain.GetProperty("entries").GetInt64() > 2);
        await using var connection = await platform.Platform.App.Services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync(Timeout);
        await using var transaction = await connection.BeginTransactionAsync(Timeout); // rolled back: the others' chain stays as it is
        await ExecuteAsync("alter table admin.audit_entries disable trigger user");
        await ExecuteAsync("alter table admin.audit_entries drop constraint pkey_audit_entries_seq");
        await ExecuteAsync(tampering);

        var services = platform.Platform.App.Services;
        await using var session = services.GetRequiredService<IAdminStore>().QuerySession(SessionOptions.ForTransaction(transaction));
        var verification = await services.GetRequiredService<AuditTrail>().VerifyAsync(session, Timeout);

        Assert.False(verification.IsIntact);
        Assert.Equal(at, verification.FirstBadSeq);

        async Task ExecuteAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection, transaction);
            await command.ExecuteNonQueryAsync(Timeout);
        }
    }

    [Theory]
    [InlineData("update admin.audit_entries set action = 'x' where seq = 1")]
    [InlineData("delete from admin.audit_entries where seq = 1")]
    [InlineData("truncate admin.audit_entries")]
    public async Task The_platforms_own_role_cannot_change_an_entry_in_passing(string sql)
    {
        await using var command = platform.Platform.App.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(sql);
        var refused = await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteNonQueryAsync(Timeout));
        Assert.Contains("never changed", refused.MessageText, StringComparison.Ordinal);
    }
}
