using FluentValidation;
using Marten;
using Microsoft.Extensions.DependencyInjection;

namespace LlmPlatform.Chat.Sharing;

internal static class SharingSetup
{
    public static void AddSharing(this StoreOptions options)
    {
        options.Schema.For<Share>().Identity(s => s.Id).Index(s => s.ConversationId).Index(s => s.OwnerId).UniqueIndex(s => s.TokenHash!).GinIndexJsonData();
        options.Storage.ExtendedSchemaObjects.Add(ShareViews.Table(options.DatabaseSchemaName));
    }

    public static void AddSharing(this IServiceCollection services)
    {
        services.AddSingleton<SharedReader>();
        services.AddSingleton<IValidator<ShareConversation>, ShareConversationValidator>();
    }
}
