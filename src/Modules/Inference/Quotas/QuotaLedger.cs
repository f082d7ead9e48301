using Npgsql;
using NpgsqlTypes;

namespace LlmPlatform.Inference.Quotas;

/// <summary>
/// What may be used, what is promised and what was used, in Postgres and nowhere else: two hosts that share it cannot spend a token twice.
/// Rows are always locked in the order of account and period, so that no two statements wait for each other.
/// </summary>
internal sealed class QuotaLedger(NpgsqlDataSource database)
{
    /// <summary>How long a hold counts after the last sign of life of its host.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(15);

    private const string Reserve =
        """
        with taken as (
          insert into inference.quota_accounts as a (account, period, tokens_held, requests_held, tokens_limit, requests_limit)
          select l.account, l.period, $3, 1, l.tokens, l.requests from unnest($4::text[], $5::text[], $6::bigint[], $7::bigint[]) as l(account, period, tokens, requests)
          where $3 <= l.tokens and 1 <= l.requests order by l.account collate "C", l.period collate "C"
          on conflict (account, period) do update set
            tokens_held = a.tokens_held + excluded.tokens_held, requests_held = a.requests_held + 1,
            tokens_limit = excluded.tokens_limit, requests_limit = excluded.requests_limit
          where a.tokens_used + a.tokens_held + excluded.tokens_held <= excluded.tokens_limit and a.requests_used + a.requests_held + 1 <= excluded.requests_limit
          returning 1),
        held as (
          insert into inference.quota_holds (id, usage, accounts, periods, tokens, expires_at)
          select $1, $2, $4, $5, $3, $8 where (select count(*) from taken) = cardinality($4) returning 1)
        select exists(select from held)
        """;

    private const string Show =
        """
        select coalesce(a.tokens_used, 0), coalesce(a.tokens_held, 0), coalesce(a.requests_used, 0), coalesce(a.requests_held, 0)
        from unnest($1::text[], $2::text[]) with ordinality as l(account, period, number)
        left join inference.quota_accounts a on a.account = l.account and a.period = l.period order by l.number
        """;

    // A request that has no limits gets its row here, once it runs longer than a moment.
    private const string Renew =
        """
        insert into inference.quota_holds as h (id, usage, accounts, periods, tokens, expires_at)
        select r.id, r.usage, '{}', '{}', 0, $3 from unnest($1::uuid[], $2::jsonb[]) as r(id, usage)
        on conflict (id) do update set usage = excluded.usage, expires_at = excluded.expires_at
        """;

    /// <summary>
    /// Settles requests in the caller's transaction. Parameters: ids, tokens and requests used. What was held is given back and what was used is
    /// counted; a hold that has gone was settled before.
    /// </summary>
    public const string Settle =
        """
        with settled as (select * from unnest(?::uuid[], ?::bigint[], ?::bigint[]) as s(id, tokens, requests)),
        holds as (
          delete from inference.quota_holds h using settled s where h.id = s.id
          returning h.accounts, h.periods, h.tokens as tokens_held, s.tokens as tokens_used, s.requests as requests_used),
        lines as (
          select l.account, l.period, sum(h.tokens_held) as tokens_held, count(*) as requests_held, sum(h.tokens_used) as tokens_used, sum(h.requests_used) as requests_used
          from holds h, unnest(h.accounts, h.periods) as l(account, period) group by l.account, l.period),
        locked as materialized (
          select a.account, a.period from inference.quota_accounts a join lines l on a.account = l.account and a.period = l.period
          order by a.account collate "C", a.period collate "C" for update of a)
        update inference.quota_accounts a set
          tokens_held = a.tokens_held - l.tokens_held, requests_held = a.requests_held - l.requests_held,
          tokens_used = a.tokens_used + l.tokens_used, requests_used = a.requests_used + l.requests_used
        from locked k join lines l on l.account = k.account and l.period = k.period where a.account = k.account and a.period = k.period
        """;

    /// <summary>Counts what a request used after its hold was given back. Parameters: accounts, periods, tokens, requests.</summary>
    public const string Correct =
        """
        with lines as (select * from unnest(?::text[], ?::text[]) as l(account, period)),
        locked as materialized (
          select a.account, a.period from inference.quota_accounts a join lines l on a.account = l.account and a.period = l.period
          order by a.account collate "C", a.period collate "C" for update of a)
        update inference.quota_accounts a set tokens_used = a.tokens_used + ?, requests_used = a.requests_used + ? from locked k where a.account = k.account and a.period = k.period
        """;

    /// <summary>Takes an amount from all of the lines, or from none. False where one has no room.</summary>
    public async Task<bool> TryReserveAsync(RequestUsage usage, IReadOnlyList<QuotaLine> lines, long tokens, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using var command = new NpgsqlCommand(Reserve, connection);
        command.Parameters.AddWithValue(usage.Id);
        command.Parameters.AddWithValue(NpgsqlDbType.Jsonb, usage.ToJson());
        command.Parameters.AddWithValue(tokens);
        command.Parameters.AddWithValue(lines.Select(l => l.Account).ToArray());
        command.Parameters.AddWithValue(lines.Select(l => l.Period).ToArray());
        command.Parameters.AddWithValue(lines.Select(l => l.Tokens).ToArray());
        command.Parameters.AddWithValue(lines.Select(l => l.Requests).ToArray());
        command.Parameters.AddWithValue((now + Lease).ToUniversalTime());
        if (await command.ExecuteScalarAsync(cancellation) is not true)
        {
            return false; // and the transaction with what it took is rolled back
        }

        await transaction.CommitAsync(cancellation);
        return true;
    }

    public async Task<IReadOnlyList<QuotaBalance>> ShowAsync(IReadOnlyList<QuotaLine> lines, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(Show);
        command.Parameters.AddWithValue(lines.Select(l => l.Account).ToArray());
        command.Parameters.AddWithValue(lines.Select(l => l.Period).ToArray());
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var balances = new List<QuotaBalance>(lines.Count);
        while (await row.ReadAsync(cancellation))
        {
            balances.Add(new QuotaBalance(lines[balances.Count], row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3)));
        }

        return balances;
    }

    /// <summary>Says that these requests still run, and what they have used so far.</summary>
    public async Task RenewAsync(IReadOnlyList<RequestUsage> running, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(Renew);
        command.Parameters.AddWithValue(running.Select(r => r.Id).ToArray());
        command.Parameters.AddWithValue(NpgsqlDbType.Array | NpgsqlDbType.Jsonb, running.Select(r => r.ToJson()).ToArray());
        command.Parameters.AddWithValue((now + Lease).ToUniversalTime());
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>What requests had used whose host has given no sign of life for the length of a lease.</summary>
    public async Task<IReadOnlyList<RequestUsage>> ReadExpiredAsync(int most, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand("select usage from inference.quota_holds where expires_at < $1 order by expires_at limit $2");
        command.Parameters.AddWithValue(now.ToUniversalTime());
        command.Parameters.AddWithValue(most);
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var expired = new List<RequestUsage>();
        while (await row.ReadAsync(cancellation))
        {
            expired.Add(RequestUsage.FromJson(row.GetString(0)));
        }

        return expired;
    }
}
