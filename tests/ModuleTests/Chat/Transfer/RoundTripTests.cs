using System.Text.Json;
using CsCheck;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.Chat.Transfer;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace LlmPlatform.ModuleTests.Chat.Transfer;

public sealed class RoundTripTests(PlatformFixture platform)
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 27, 12, 0, 0, TimeSpan.Zero);

    private static readonly Gen<string> Text = Gen.OneOf(Gen.String.AlphaNumeric, Gen.Const("\"<b>`x`\n\\ 東京 🦓"), Gen.Const("")).Select(text => text.Trim());

    private static readonly Gen<PartFile> Part =
        Gen.Select(Gen.Enum<PartKind>(), Text, Gen.Int[0, 9]).Select((kind, text, count) => new PartFile
        {
            Kind = kind,
            Text = text,
            CallId = kind is PartKind.ToolCall or PartKind.ToolResult ? "call" : null,
            PromptTokens = kind == PartKind.Context ? count : 0,
            DroppedMessages = kind == PartKind.Context ? count : 0,
        });

    private static readonly Gen<ConversationFile> File = Gen.Select(
        Gen.Select(Gen.Int[0, 100], Gen.Bool, Gen.OneOf(Gen.Const(MessageState.Completed), Gen.Const(MessageState.Stopped), Gen.Const(MessageState.Interrupted), Gen.Const(MessageState.Failed)), Part.Array[0, 3]).Array[0, 8],
        Text.Array[0, 2],
        Gen.Bool,
        Gen.Int[0, 100]).Select((drawn, tags, isMarked, chosen) => new ConversationFile
        {
            Id = Guid.CreateVersion7().ToString(),
            Title = isMarked ? "A title" : null,
            Model = "stories",
            SystemPrompt = isMarked ? null : "Be brief.",
            Settings = new ChatSettings { Temperature = isMarked ? 0.5f : null, Stop = isMarked ? ["end"] : null, Context = isMarked ? ContextPolicy.Refuse : ContextPolicy.DropOldest },
            IsPinned = isMarked,
            IsArchived = !isMarked,
            Tags = [.. tags.Where(tag => tag is { Length: > 0 and <= 64 }).DistinctBy(tag => tag.ToLowerInvariant())],
            Folder = isMarked ? "Zoo" : null,
            ActiveLeaf = drawn.Length == 0 ? null : $"m{chosen % drawn.Length}",
            StartedAt = Noon,
            Messages = [.. drawn.Select((m, i) => Message(i, m.Item1, m.Item2, m.Item3, m.Item4))],
        });

    [Fact]
    public async Task Whatever_is_exported_and_imported_by_somebody_else_is_the_same_but_for_its_ids() =>
        await File.SampleAsync(
            async file =>
            {
                var (first, second) = (Guid.CreateVersion7(), Guid.CreateVersion7());
                var brought = await BringAsync(first, file);
                var exported = await ExportAsync(first, brought!.Id);
                Assert.Equal(Unnamed(file), Unnamed(exported));
                var read = JsonSerializer.Deserialize<ConversationFile>(JsonSerializer.Serialize(exported, ConversationFiles.Json), ConversationFiles.Json)!;
                var again = await BringAsync(second, read);
                Assert.Equal(Unnamed(exported), Unnamed(await ExportAsync(second, again!.Id)));

                Assert.Null(await BringAsync(first, file)); // brought before
                Assert.Null(await BringAsync(second, read));
                Assert.Null(await BringAsync(first, exported)); // one's own
            },
            iter: 30);

    [Fact]
    public async Task What_is_imported_twice_at_once_is_there_once()
    {
        var owner = Guid.CreateVersion7();
        var file = new ConversationFile { Id = "once", Model = "stories", StartedAt = Noon, Messages = [Message(0, 0, false, MessageState.Completed, []), Message(1, 0, true, MessageState.Stopped, [])] };
        var brought = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => BringAsync(owner, file)));
        Assert.Single(brought, conversation => conversation is not null);
    }

    private static MessageFile Message(int number, int parent, bool isReply, MessageState state, PartFile[] parts) => new()
    {
        Id = $"m{number}",
        ParentId = number == 0 || parent % (number + 1) == number ? null : $"m{parent % (number + 1)}",
        Role = isReply ? MessageRoles.Assistant : MessageRoles.User,
        Model = isReply ? "stories" : null,
        State = isReply ? state : MessageState.Completed,
        Parts = parts,
        Attachments = isReply ? [] : [new Attachment("notes.txt", "file\r\ntext")],
        FinishReason = isReply ? "stop" : null,
        Usage = isReply ? new ReplyUsage(3, 2, 1, 0) : null,
        Error = isReply && state == MessageState.Failed ? new ReplyError("engine.lost", "It broke.") : null,
        At = Noon.AddMinutes(number),
        EndedAt = isReply ? Noon.AddMinutes(number).AddSeconds(5) : Noon.AddMinutes(number),
    };

    /// <summary>Ids replaced by places.</summary>
    private static string Unnamed(ConversationFile file)
    {
        var places = file.Messages.Select((message, i) => (message.Id, i)).ToDictionary(m => m.Id, m => $"{m.i}");
        return JsonSerializer.Serialize(
            file with
            {
                Id = "",
                ActiveLeaf = file.ActiveLeaf is null ? null : places[file.ActiveLeaf],
                Messages = [.. file.Messages.Select(m => m with { Id = places[m.Id], ParentId = m.ParentId is null ? null : places[m.ParentId] })],
            },
            ConversationFiles.Json);
    }

    private Task<Conversation?> BringAsync(Guid owner, ConversationFile file) =>
        platform.Platform.App.Services.GetRequiredService<ConversationImport>().BringAsync(owner, ConversationFile.Name, file, TestContext.Current.CancellationToken);

    private Task<ConversationFile> ExportAsync(Guid owner, Guid id) =>
        platform.Platform.App.Services.GetRequiredService<ConversationExport>().ReadAsync(id, owner, TestContext.Current.CancellationToken);
}
