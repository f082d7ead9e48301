using System.Net;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.Chat.Search;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace LlmPlatform.ModuleTests.Chat.Search;

public sealed class RebuildSearchTests(PlatformFixture platform)
{
    private const string Rows =
        """
        select coalesce((select string_agg(e::text, '|' order by message_id) from chat.search_entries e where owner_id = $1), '')
          || coalesce((select string_agg(digest::text, '|' order by digest) from chat.search_words where owner_id = $1), '')
        """;

    [Fact]
    public async Task The_search_is_made_anew_by_administrators_only()
    {
        using var user = await platform.UserAsync();
        Assert.Equal(HttpStatusCode.Forbidden, (await user.PostAsync("/api/v1/chat/search/rebuild", null)).StatusCode);
    }

    [Fact]
    public async Task A_search_made_anew_has_the_rows_that_it_had_and_loses_those_that_nobody_said()
    {
        var spoken = new Spoken(platform.Platform.App.Services);
        var (owner, at) = (Guid.CreateVersion7(), new DateTimeOffset(2026, 11, 27, 12, 0, 0, TimeSpan.Zero));
        var (id, messages) = await spoken.SayAsync(owner, "Walrus", at, "the otter", "replied", "and the zebra");
        await spoken.AppendAsync(id, new ReplyContinued(messages[1], "other", at), new ReplyEnded(messages[1], MessageState.Completed, await spoken.BodyAsync(owner, "replied at length"), "stop", null, null, at));
        await spoken.IndexedAsync();
        var live = await spoken.ScalarAsync<string>(Rows, owner);
        Assert.NotEmpty(live);

        await spoken.ScalarAsync<object>(
            """
            with stray as (insert into chat.search_entries (message_id, conversation_id, owner_id, at, words) values (gen_random_uuid(), $2, $1, now(), array[7]::bigint[]) returning 1)
            select count(*) from stray
            """,
            owner,
            id);
        Assert.NotEqual(live, await spoken.ScalarAsync<string>(Rows, owner));
        Assert.Equal(HttpStatusCode.Accepted, (await platform.Administrator.PostAsync("/api/v1/chat/search/rebuild", null)).StatusCode);
        await Eventually.Async(() => spoken.ScalarAsync<string>(Rows, owner), rows => rows == live);
        await Eventually.Async(
            () => platform.Administrator.GetJsonAsync("/api/v1/admin/audit?action=chat.search_rebuilt"), acts => acts.GetProperty("items").GetArrayLength() > 0);

        var later = await spoken.SayAsync(owner, null, at, "after that a penguin"); // the projection goes on
        await spoken.IndexedAsync();
        var found = await platform.Platform.App.Services.GetRequiredService<ConversationSearch>()
            .FindAsync(new SearchQuestion { Owner = owner, Text = "penguin" }, TestContext.Current.CancellationToken);
        Assert.Equal(later.Id, Assert.Single(found.Items).ConversationId);
    }
}
