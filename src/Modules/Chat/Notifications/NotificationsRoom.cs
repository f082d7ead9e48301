using Microsoft.Extensions.DependencyInjection;

namespace LlmPlatform.Chat.Notifications;

/// <summary>What the module's page adds for this room.</summary>
internal static class NotificationsRoom
{
    public static void AddNotifications(this IServiceCollection services)
    {
        services.AddSingleton<NoticeBoard>();
        services.AddHostedService(s => s.GetRequiredService<NoticeBoard>());
    }
}
