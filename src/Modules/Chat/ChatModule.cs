using JasperFx.Events;
using JasperFx.Events.Projections;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.Chat.Search;
using LlmPlatform.Chat.Sharing;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace LlmPlatform.Chat;

public interface IChatStore : IDocumentStore;

/// <summary>The module's contents on one page.</summary>
public static class ChatModule
{
    public static readonly AppModule Definition = new("chat", typeof(IChatStore), builder => builder.AddChatModule());

    private static void AddChatModule(this IHostApplicationBuilder builder)
    {
        builder.AddModuleStore<IChatStore>(Definition.Schema, Configure);
        builder.Services.AddSingleton<ListCursors>();
        builder.Services.AddSearch();
        builder.Services.AddSharing();
    }

    private static void Configure(StoreOptions options)
    {
        options.AddSearch();
        options.AddSharing();
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
        options.Schema.For<Conversation>().Duplicate(c => c.OwnerId).Duplicate(c => c.ActiveAt).Index(c => new { c.OwnerId, c.ActiveAt, c.Id });
        options.Schema.For<Message>().Duplicate(m => m.ConversationId).Duplicate(m => m.ParentId).Index(m => new { m.ConversationId, m.ParentId });
    }
}
