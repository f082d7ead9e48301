using Marten;
using Weasel.Core;
using Weasel.Postgresql;
using Weasel.Postgresql.Functions;
using Weasel.Postgresql.Tables;
using Weasel.Postgresql.Triggers;

namespace LlmPlatform.Admin.Audit;

/// <summary>The table of the audit chain: rows come in, and the database itself refuses to change or remove one.</summary>
internal static class AuditSchema
{
    public const string TableName = "audit_entries";
    private const string GuardName = "refuse_audit_change";

    public static void AddAuditTable(this StoreOptions options)
    {
        var schema = options.DatabaseSchemaName;
        var table = new Table(new PostgresqlObjectName(schema, TableName, SchemaUtils.IdentifierUsage.General));
        table.AddColumn<long>("seq").AsPrimaryKey();
        table.AddColumn<Guid>("id").NotNull().AddIndex(index => index.IsUnique = true);
        table.AddColumn<Guid>("actor_id").NotNull();
        table.AddColumn<string>("action").NotNull();
        table.AddColumn<string>("target").NotNull();
        table.AddColumn("at", "timestamptz").NotNull();
        table.AddColumn<string>("prev_hash").NotNull();
        table.AddColumn<string>("hash").NotNull();
        options.Storage.ExtendedSchemaObjects.Add(table);

        var guard = Function.ForSql(
            $"""
            create or replace function {schema}.{GuardName}() returns trigger language plpgsql as $$
            begin
              raise exception 'audit entries are never changed';
            end;
            $$;
            """);
        options.Storage.ExtendedSchemaObjects.Add(guard);
        options.Storage.ExtendedSchemaObjects.Add(Guard(table, "audit_rows_stay", TriggerEvents.Update | TriggerEvents.Delete, eachRow: true, guard));
        options.Storage.ExtendedSchemaObjects.Add(Guard(table, "audit_table_stays", TriggerEvents.Truncate, eachRow: false, guard));
    }

    private static Trigger Guard(Table table, string name, TriggerEvents events, bool eachRow, Function guard) =>
        new(new PostgresqlObjectName(table.Identifier.Schema, name, SchemaUtils.IdentifierUsage.General), table.Identifier, $"{guard.Identifier.QualifiedName}()")
        {
            Timing = TriggerTiming.Before,
            Events = events,
            ForEachRow = eachRow,
        };
}
