using System.Text;
using LlmPlatform.Chat.Contracts;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.Chat.Replies;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Configuration;
using Wolverine;
using Wolverine.Attributes;
using Wolverine.Http;

namespace LlmPlatform.Chat.Titles;

/// <summary>Whether models write titles.</summary>
public sealed class TitleOptions(IConfiguration configuration)
{
    /// <summary>Setting <c>Chat:Titles</c>; on unless it says <c>false</c>.</summary>
    public bool AreOn { get; } = configuration.GetValue("Chat:Titles", true);
}

/// <summary>Has the model of a conversation name it, in the background, where nobody has named it meanwhile.</summary>
/// <param name="ConversationId">Which.</param>
/// <param name="Asker">Whose it is, who pays.</param>
/// <param name="Replaces">Also where there is a title: its owner asked for another one.</param>
public sealed record WriteTitle(Guid ConversationId, ModelUser Asker, bool Replaces = false);

public static class WriteTitleEndpoint
{
    [WolverinePost("/api/v1/chat/conversations/{conversationId}/title", OperationId = "writeTitle"), Authorize]
    [EndpointSummary("Have the model write a title; it comes a moment later"), Tags("Conversations"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(Accepted, OutgoingMessages)> Post(Guid conversationId, IQuerySession session, CurrentUser currentUser, CancellationToken cancellation)
    {
        var conversation = await session.ConversationAsync(conversationId, currentUser.Id, cancellation);
        return (TypedResults.Accepted($"/api/v1/chat/conversations/{conversation.Id}"), [new WriteTitle(conversation.Id, currentUser.ToModelUser(), Replaces: true)]);
    }
}

public static class WriteTitleHandler
{
    private const int Longest = 80;
    private const int MostTokens = 24;
    private const int MostShown = 2000;
    private const int TenMinutes = 10 * 60;

    // A model may have to be loaded first, and others to be answered.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private const string Instruction = "Write a title of three to six words for this conversation, in its language. Answer with the title alone, without quotes.";

    [MessageTimeout(TenMinutes)]
    public static async Task<OutgoingMessages> Handle(
        WriteTitle command, IDocumentSession session, SubjectVault vault, ITextGenerator generator, TimeProvider time, CancellationToken cancellation)
    {
        var owner = command.Asker.Id;
        if (await session.LoadAsync<Conversation>(command.ConversationId, cancellation) is not { } before || before.OwnerId != owner
            || (before.SealedTitle is not null && !command.Replaces))
        {
            return [];
        }

        var first = await session.Query<Message>().Where(m => m.ConversationId == before.Id && m.Role == MessageRoles.User).OrderBy(m => m.Number).FirstOrDefaultAsync(cancellation);
        if (first is null || (await vault.OpenBodyAsync(owner, first, cancellation)).Text is not { Length: > 0 } text)
        {
            return [];
        }

        var title = await AskAsync(generator, before.Model, command.Asker, text, time, cancellation) ?? Cut(text);
        await session.LockConversationAsync(before.Id, owner, cancellation);
        if (await session.LoadAsync<Conversation>(before.Id, cancellation) is not { } conversation || conversation.SealedTitle != before.SealedTitle || title.Length == 0)
        {
            return []; // somebody named it meanwhile, or deleted it
        }

        var now = time.GetUtcNow();
        var after = session.Append(conversation, new ConversationRenamed(await vault.SealAsync(owner, title, cancellation), true, now));
        return [new ConversationChanged(owner, conversation.Id, after.Version, "renamed", null, now)];
    }

    /// <summary>Null where the model cannot in time or may not, such as for want of quota: then the first words have to do.</summary>
    private static async Task<string?> AskAsync(ITextGenerator generator, string model, ModelUser asker, string text, TimeProvider time, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        var shown = text.Length <= MostShown ? text : text[..MostShown];
        var request = new GenerationRequest(model, asker, [new ChatMessage("user", $"{shown}\n\n{Instruction}")]) { MaxTokens = MostTokens, DropsOldestTurns = true };
        var answer = new StringBuilder();
        try
        {
            await foreach (var news in generator.GenerateAsync(request, either.Token))
            {
                answer.Append((news as TextDelta)?.Text);
            }
        }
        catch (Exception e) when (e is GenerationException or OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            return null;
        }

        return Cut(answer.ToString()) is { Length: > 0 } title ? title : null;
    }

    /// <summary>The first line, without quotes and other signs of a document, at a whole word.</summary>
    internal static string Cut(string text)
    {
        var line = text.ReplaceLineEndings("\n").Split('\n').Select(l => new string([.. l.Where(c => !char.IsControl(c))]).Trim().Trim('"', '\'', '*', '#', '`', '“', '”', '„', ' ')).FirstOrDefault(l => l.Length > 0) ?? "";
        if (line.Length <= Longest)
        {
            return line;
        }

        var cut = line[..(char.IsHighSurrogate(line[Longest - 1]) ? Longest - 1 : Longest)];
        return $"{(cut.LastIndexOf(' ') is > Longest / 2 and var space ? cut[..space] : cut)}…";
    }
}
