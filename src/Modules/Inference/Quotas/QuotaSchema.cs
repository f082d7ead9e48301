using Marten;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace LlmPlatform.Inference.Quotas;

/// <summary>
/// The ledger: plain tables, because whether an amount still fits is decided by one conditional statement, in which the database alone says who
/// came first.
/// </summary>
internal static class QuotaSchema
{
    public static void AddQuotaLedger(this StoreOptions options)
    {
        var accounts = new Table(new PostgresqlObjectName(options.DatabaseSchemaName, "quota_accounts", SchemaUtils.IdentifierUsage.General));
        accounts.AddColumn<string>("account").AsPrimaryKey();
        accounts.AddColumn<string>("period").AsPrimaryKey(); // 2026-11-27 or 2026-11
        accounts.AddColumn<long>("tokens_used").NotNull().DefaultValue(0);
        accounts.AddColumn<long>("tokens_held").NotNull().DefaultValue(0);
        accounts.AddColumn<long>("requests_used").NotNull().DefaultValue(0);
        accounts.AddColumn<long>("requests_held").NotNull().DefaultValue(0);
        accounts.AddColumn<long>("tokens_limit").NotNull(); // as of the last reservation
        accounts.AddColumn<long>("requests_limit").NotNull();
        options.Storage.ExtendedSchemaObjects.Add(accounts);

        // What runs now. A row outlives its request only where the host died; then it says what was used until shortly before.
        var holds = new Table(new PostgresqlObjectName(options.DatabaseSchemaName, "quota_holds", SchemaUtils.IdentifierUsage.General));
        holds.AddColumn<Guid>("id").AsPrimaryKey();
        holds.AddColumn("usage", "jsonb").NotNull();
        holds.AddColumn("accounts", "text[]").NotNull();
        holds.AddColumn("periods", "text[]").NotNull();
        holds.AddColumn<long>("tokens").NotNull();
        holds.AddColumn("expires_at", "timestamptz").NotNull().AddIndex();
        options.Storage.ExtendedSchemaObjects.Add(holds);
    }
}
