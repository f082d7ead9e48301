using LlmPlatform.Auth.Contracts;
using Marten;

namespace LlmPlatform.Chat.Tools;

public static class ForgetConsentsHandler
{
    public static void Handle(UserErased message, IDocumentSession session) => session.DeleteWhere<ToolConsent>(c => c.UserId == message.UserId);
}

/// <summary>What a person let models do in their name.</summary>
internal sealed class ConsentPersonalData(IChatStore store) : IPersonalData
{
    public async Task<IReadOnlyList<PersonalFile>> ExportAsync(Guid userId, CancellationToken cancellation)
    {
        await using var session = store.QuerySession();
        var consents = await session.Query<ToolConsent>().Where(c => c.UserId == userId).OrderBy(c => c.Server).ToListAsync(cancellation);
        return [PersonalFile.Of("chat/tool-consents.json", consents.Select(c => new { c.Server, c.Tools, c.At }))];
    }
}
