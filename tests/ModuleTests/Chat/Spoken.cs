using LlmPlatform.Chat;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.ModuleTests.Support;
using LlmPlatform.SharedKernel;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Xunit;

namespace LlmPlatform.ModuleTests.Chat;

/// <summary>Conversations as their events make them, without a model that answers.</summary>
internal sealed class Spoken(IServiceProvider services)
{
    private const string Indexed =
        "select coalesce((select last_seq_id from chat.mt_event_progression where name = 'Search:All'), 0) >= $1";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public IChatStore Store => services.GetRequiredService<IChatStore>();

    public SubjectVault Vault => services.GetRequiredService<SubjectVault>();

    public NpgsqlDataSource Database => services.GetRequiredService<NpgsqlDataSource>();

    /// <summary>A conversation in which a user and a model take turns.</summary>
    /// <returns>The conversation and its messages.</returns>
    public async Task<(Guid Id, Guid[] Messages)> SayAsync(Guid owner, string? title, DateTimeOffset at, params string[] texts)
    {
        var id = Guid.CreateVersion7(at);
        var events = new List<object> { new ConversationStarted(id, owner, "stories", await SealOrNullAsync(owner, title), null, new ChatSettings(), at) };
        var messages = new List<Guid>();
        foreach (var text in texts)
        {
            var isReply = messages.Count % 2 == 1;
            var message = Guid.CreateVersion7(at);
            events.AddRange(isReply
                ? [new ReplyStarted(message, messages[^1], "stories", at), new ReplyEnded(message, MessageState.Completed, await BodyAsync(owner, text), "stop", null, null, at)]
                : [new MessageAdded(message, messages.Count == 0 ? null : messages[^1], MessageRoles.User, await BodyAsync(owner, text), at)]);
            messages.Add(message);
        }

        await using var session = Store.LightweightSession();
        session.Events.StartStream(id, events);
        await session.SaveChangesAsync(Cancellation);
        return (id, [.. messages]);
    }

    public async Task AppendAsync(Guid conversation, params object[] events)
    {
        await using var session = Store.LightweightSession();
        session.Events.Append(conversation, events);
        await session.SaveChangesAsync(Cancellation);
    }

    public async Task<string> BodyAsync(Guid owner, string text) => await Vault.SealBodyAsync(owner, MessageBody.Of(text), Cancellation);

    public async Task<string?> SealOrNullAsync(Guid owner, string? text) => await Vault.SealOrNullAsync(owner, text, Cancellation);

    /// <summary>Waits until the search has read what was said so far.</summary>
    public async Task IndexedAsync()
    {
        var last = await ScalarAsync<long>("select max(seq_id) from chat.mt_events");
        await Eventually.Async(() => ScalarAsync<bool>(Indexed, last), isIndexed => isIndexed);
    }

    public async Task<T> ScalarAsync<T>(string sql, params object[] values)
    {
        await using var command = Database.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        return (T)(await command.ExecuteScalarAsync(Cancellation))!;
    }
}
