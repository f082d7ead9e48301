using FluentValidation;
using LlmPlatform.Auth.Contracts;
using Microsoft.Extensions.DependencyInjection;

namespace LlmPlatform.Chat.Transfer;

internal static class TransferSetup
{
    public static void AddTransfer(this IServiceCollection services)
    {
        services.AddSingleton<ConversationExport>();
        services.AddSingleton<ConversationImport>();
        services.AddSingleton<IValidator<ConversationFile>, ConversationFileValidator>();
        services.AddSingleton<IPersonalData, ChatPersonalData>();
    }
}
