using FluentValidation;
using JasperFx.Events;
using JasperFx.Events.Projections;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.Chat.Folders;
using LlmPlatform.Chat.Notifications;
using LlmPlatform.Chat.Replies;
using LlmPlatform.Chat.Search;
using LlmPlatform.Chat.Sharing;
using LlmPlatform.Chat.Titles;
using LlmPlatform.Chat.Tools;
using LlmPlatform.Chat.Transfer;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace LlmPlatform.Chat;

public interface IChatStore : IDocumentStore;

/// <summary>The module's contents on one page.</summary>
public static class ChatModule
{
    public static readonly AppModule Definition = new("chat", typeof(IChatStore), builder => builder.AddChatModule()) { MapRoads = MapRoads };

    private static void MapRoads(IEndpointRouteBuilder routes)
    {
        routes.MapReplies();
        routes.MapStop();
        routes.MapTemporaryChat();
        routes.MapTransfer();
        routes.MapNotifications();
    }

    private static void AddChatModule(this IHostApplicationBuilder builder)
    {
        builder.AddModuleStore<IChatStore>(Definition.Schema, Configure);

        var services = builder.Services;
        services.AddSingleton<ListCursors>();
        services.AddSingleton<ConversationReader>();
        services.AddSingleton<ReplyTables>();
        services.AddSingleton<PromptReader>();
        services.AddSingleton<ReplyGenerator>();
        services.AddSingleton<RunningReplies>();
        services.AddHostedService(s => s.GetRequiredService<RunningReplies>());
        services.AddSingleton<ReplyFollower>();
        services.AddSingleton<ReplyAsking>();
        services.AddSingleton<TitleOptions>();
        services.AddTools();
        services.AddNotifications();
        services.AddSearch();
        services.AddSharing();
        services.AddTransfer();

        services.AddSingleton<IValidator<StartConversation>, StartConversationValidator>();
        services.AddSingleton<IValidator<ChangeConversation>, ChangeConversationValidator>();
        services.AddSingleton<IValidator<ChangeMany>, ChangeManyValidator>();
        services.AddSingleton<IValidator<ChooseBranch>, ChooseBranchValidator>();
        services.AddSingleton<IValidator<ForkConversation>, ForkConversationValidator>();
        services.AddSingleton<IValidator<SaveFolder>, SaveFolderValidator>();
        services.AddSingleton<IValidator<SendMessage>, SendMessageValidator>();
        services.AddSingleton<IValidator<EditMessage>, EditMessageValidator>();
        services.AddSingleton<IValidator<RegenerateReply>, RegenerateReplyValidator>();
        services.AddSingleton<IValidator<ContinueReply>, ContinueReplyValidator>();
        services.AddSingleton<IValidator<TemporaryChat>, TemporaryChatValidator>();
    }

    private static void Configure(StoreOptions options)
    {
        options.Events.AppendMode = EventAppendMode.Rich; // the projection reads versions
        options.Events.MapEventType<ConversationStarted>("chat.conversation_started.v1");
        options.Events.MapEventType<MessageAdded>("chat.message_added.v1");
        options.Events.MapEventType<ReplyStarted>("chat.reply_started.v1");
        options.Events.MapEventType<ReplyContinued>("chat.reply_continued.v1");
        options.Events.MapEventType<ReplyEnded>("chat.reply_ended.v1");
        options.Events.MapEventType<BranchChosen>("chat.branch_chosen.v1");
        options.Events.MapEventType<ConversationRenamed>("chat.conversation_renamed.v1");
        options.Events.MapEventType<ConversationConfigured>("chat.conversation_configured.v1");
        options.Events.MapEventType<ConversationFiled>("chat.conversation_filed.v1");
        options.Events.MapEventType<ConversationBinned>("chat.conversation_binned.v1");
        options.Events.MapEventType<ConversationRestored>("chat.conversation_restored.v1");
        options.Projections.Add(new ConversationProjection(), ProjectionLifecycle.Inline, "Conversations", rebuild =>
        {
            rebuild.DeleteViewTypeOnTeardown<Conversation>();
            rebuild.DeleteViewTypeOnTeardown<Message>();
        });
        options.Schema.For<Conversation>()
            .Duplicate(c => c.OwnerId).Duplicate(c => c.IsPinned).Duplicate(c => c.ActiveAt).Duplicate(c => c.IsArchived).Duplicate(c => c.FolderId).Duplicate(c => c.Model)
            .Duplicate(c => c.BinnedAt).Index(c => new { c.OwnerId, c.IsPinned, c.ActiveAt, c.Id });
        options.Schema.For<Message>().Duplicate(m => m.ConversationId).Duplicate(m => m.ParentId).Duplicate(m => m.RequestKey);
        options.Schema.For<Folder>().Duplicate(f => f.OwnerId);
        options.AddReplies();
        options.AddTools();
        options.AddSearch();
        options.AddSharing();
    }
}
