using FluentValidation;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace LlmPlatform.Chat.Replies;

/// <summary>A chat that is kept nowhere: its sender holds all of it, and sends all of it each time. A reply ends with its reader.</summary>
public sealed record TemporaryChat(IReadOnlyList<TemporaryMessage> Messages) : ReplyWish
{
    public string? SystemPrompt { get; init; }
}

/// <summary>A message of a chat that is kept nowhere.</summary>
public sealed record TemporaryMessage(string Role, string Content)
{
    public IReadOnlyList<Attachment> Attachments { get; init; } = [];
}

internal sealed class TemporaryChatValidator : AbstractValidator<TemporaryChat>
{
    private const int MostMessages = 1000;

    public TemporaryChatValidator()
    {
        RuleFor(c => c.SystemPrompt).MaximumLength(MessageRules.LongestPrompt);
        RuleFor(c => c.Messages).Must(messages => messages.Count is > 0 and <= MostMessages && messages.All(m => m is not null) && messages[^1].Role == MessageRoles.User)
            .WithMessage($"messages holds 1 to {MostMessages} messages, the last of them a user's.");
        RuleForEach(c => c.Messages).ChildRules(message =>
        {
            message.RuleFor(m => m.Role).Must(role => role is MessageRoles.User or MessageRoles.Assistant).WithMessage("A role is user or assistant.");
            message.RuleFor(m => m.Content).MessageText();
            message.RuleFor(m => m.Attachments).Files();
        });
        Include(new ReplyWishValidator());
    }
}

internal static class TemporaryChatRoad
{
    private const int LargestBody = 8 << 20;

    public static void MapTemporaryChat(this IEndpointRouteBuilder routes) => routes.MapPost("/api/v1/chat/temporary", PostAsync)
        .RequireAuthorization().WithTags("Replies").WithName("temporaryChat").WithSummary("Stream a reply to a chat that is kept nowhere")
        .WithMetadata(new RequestSizeLimitAttribute(LargestBody))
        .Produces(200, contentType: "text/event-stream").Produces<ProblemDetails>(400).Produces<ProblemDetails>(404);

    private static async Task PostAsync(
        TemporaryChat command, HttpContext context, IValidator<TemporaryChat> validator, IModelCatalog models, ReplyGenerator generator, TimeProvider time)
    {
        await validator.CheckAsync(command, context.RequestAborted);
        var user = CurrentUser.From(context.User);
        var model = await models.ChosenAsync(command.Model, user, context.RequestAborted);
        var messages = Prompt.Of(command.SystemPrompt, command.Messages.Select(m => (m.Role, MessageBody.Of(m.Content) with { Attachments = m.Attachments })));
        var order = new ReplyOrder(Guid.Empty, Guid.CreateVersion7(time.GetUtcNow()), null, 0, user.ToModelUser(), model, command.Over(new ChatSettings()), null);
        using var reply = new RunningReply(order);
        var events = new ReplyEvents(context);
        events.Begin();
        events.Write("accepted", 0, new ReplyAccepted(Guid.Empty, null, order.MessageId, 0));
        await events.FlushAsync();
        var writing = WriteAsync(generator, reply, messages, context.RequestAborted);
        try
        {
            await ReplyFollower.FollowHereAsync(events, reply, 0);
        }
        finally
        {
            reply.Stop(); // its reader is its only one
            await writing;
        }
    }

    private static async Task WriteAsync(ReplyGenerator generator, RunningReply reply, IReadOnlyList<ChatMessage> messages, CancellationToken cancellation)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(reply.Stopping, cancellation);
        var end = await generator.WriteAsync(reply, messages, 0, reply.ShowAll, ending.Token);
        reply.End(new ReplyOutcome(end.State, end.FinishReason, end.Usage, end.Error, 0));
    }
}
