namespace LlmPlatform.Explore.Catalogue;

/// <summary>Everything that changes the table of models. Each statement may run twice, and late: rows carry when they became true.</summary>
internal static class ModelStatements
{
    // First, because the statements below are made of it.
    private static readonly string[] Columns =
    [
        "key", "source", "name", "sort_name", "names", "words", "developer", "summary", "hub", "hub_key", "architecture", "licence", "digest", "tasks", "quantisations",
        "installed_names", "parameters", "smallest_bytes", "largest_bytes", "needed_bytes", "downloads", "likes", "standing", "listed_standing", "size_order", "parameters_order", "changed_order", "popularity",
        "context_tokens", "shape", "variants", "is_installed", "is_detailed", "install_id", "installed_at", "updated_at", "seen_at",
    ];

    /// <summary>Held while rows of one repository are brought together: two that look at once would each miss what the other writes.</summary>
    public const string Lock = "explore.models";

    /// <summary>Takes the rows as one JSON array. An install gives way to a newer one and to a deletion after it; a row of the hub gives way to a curated one, and keeps sizes that it knows.</summary>
    public static readonly string Write =
        $"""
        insert into explore.models as m ({ColumnList})
        select {ColumnList} from jsonb_populate_recordset(null::explore.models, ?::jsonb) r
        where not exists (select from explore.model_deletions d where r.source = 'installed' and d.name = r.name and d.at > r.installed_at)
          and not exists (select from explore.models c where r.source = 'hub' and c.source = 'curated' and c.hub_key = r.hub_key)
        on conflict (key) do update set ({ColumnList}) = ({string.Join(", ", Columns.Select(c => $"excluded.{c}"))})
        where (m.source <> 'installed' or m.installed_at <= excluded.installed_at) and not (m.is_detailed and not excluded.is_detailed)
        """;

    /// <summary>Takes the same array: how popular a repository is counts for whatever shows it. A row that tells nothing new is not written again.</summary>
    public static readonly string Refresh =
        $"""
        update explore.models m set downloads = r.downloads, likes = r.likes, popularity = r.popularity, seen_at = r.seen_at,
          standing = r.popularity + (m.standing & {ModelColumns.InstalledStanding | ModelColumns.CuratedStanding}),
          listed_standing = r.popularity + (m.standing & {ModelColumns.CuratedStanding})
        from jsonb_populate_recordset(null::explore.models, ?::jsonb) r
        where m.hub_key = r.hub_key and m.source <> 'installed'
          and ((m.downloads, m.likes) is distinct from (r.downloads, r.likes) or m.seen_at < r.seen_at - interval '1 day')
        """;

    /// <summary>Takes the same array: remembers the words of the names, numbers left out.</summary>
    public const string Learn =
        """
        insert into explore.model_words (word)
        select distinct word from jsonb_populate_recordset(null::explore.models, ?::jsonb) r, unnest(tsvector_to_array(r.names)) word
        where length(word) between 4 and 40 and word !~ '[0-9_.]'
        on conflict do nothing
        """;

    /// <summary>Takes repositories as an array of texts, in lower case: what came from one counts as installed while a model here came from it.</summary>
    public static readonly string Mark =
        $"""
        update explore.models m set installed_names = here.names, is_installed = here.names <> array[]::text[],
          standing = (m.standing & ~{ModelColumns.InstalledStanding}) + case when here.names = array[]::text[] then 0 else {ModelColumns.InstalledStanding} end
        from (
          select wanted.hub_key, coalesce(array_agg(i.name order by i.name) filter (where i.name is not null), array[]::text[]) as names
          from unnest(?::text[]) wanted(hub_key) left join explore.models i on i.hub_key = wanted.hub_key and i.source = 'installed'
          group by wanted.hub_key) here
        where m.hub_key = here.hub_key and m.source <> 'installed' and m.installed_names <> here.names
        """;

    /// <summary>Takes a name and when it was deleted.</summary>
    public const string RememberDeletion =
        """
        insert into explore.model_deletions as d (name, at) values (?, ?)
        on conflict (name) do update set at = greatest(d.at, excluded.at)
        """;

    /// <summary>Takes a key and when it was deleted; a newer install stays.</summary>
    public const string Delete = "delete from explore.models where key = ? and installed_at < ?";

    private static string ColumnList => string.Join(", ", Columns);
}
