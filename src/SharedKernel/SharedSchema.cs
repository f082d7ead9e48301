using Npgsql;

namespace LlmPlatform.SharedKernel;

/// <summary>The tables that belong to no single module. Only SharedKernel reads and writes them.</summary>
public static class SharedSchema
{
    // A destroyed key keeps its row with a null, so that nobody makes a second key for an erased person.
    private const string Sql =
        """
        create schema if not exists shared;
        create table if not exists shared.subject_keys (
            subject uuid primary key,
            wrapped bytea null,
            created_at timestamptz not null default now());
        create table if not exists shared.signing_keys (
            id text primary key,
            wrapped bytea not null,
            created_at timestamptz not null default now());
        create table if not exists shared.idempotency (
            user_id uuid not null,
            key text not null,
            fingerprint bytea not null,
            answer text null,
            running_until timestamptz null,
            expires_at timestamptz not null,
            primary key (user_id, key));
        alter table shared.idempotency add column if not exists claim uuid null;
        create index if not exists idempotency_expiry on shared.idempotency (expires_at);
        alter table shared.signing_keys add column if not exists activates_at timestamptz null;
        create table if not exists shared.data_protection_keys (
            name text primary key,
            xml text not null,
            created_at timestamptz not null default now());
        """;

    public static async Task ApplyAsync(NpgsqlDataSource database, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(Sql);
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
