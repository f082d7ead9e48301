using LlmPlatform.Chat.Notifications;
using LlmPlatform.Chat.Tools;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.Extensions.Hosting;

namespace LlmPlatform.Chat;

public interface IChatStore : IDocumentStore;

/// <summary>The module's contents on one page.</summary>
public static class ChatModule
{
    public static readonly AppModule Definition = new("chat", typeof(IChatStore), builder => builder.AddChatModule())
    {
        MapRoads = routes =>
        {
            routes.MapNotifications();
        },
    };

    private static void AddChatModule(this IHostApplicationBuilder builder)
    {
        builder.AddModuleStore<IChatStore>(Definition.Schema, options =>
        {
            options.AddTools();
        });
        builder.Services.AddTools();
        builder.Services.AddNotifications();
    }
}
