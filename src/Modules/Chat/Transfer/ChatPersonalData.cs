using System.Text;
using LlmPlatform.Auth.Contracts;

namespace LlmPlatform.Chat.Transfer;

/// <summary>What this module keeps of a person: the conversations, those in the bin as well.</summary>
internal sealed class ChatPersonalData(ConversationExport export) : IPersonalData
{
    public async Task<IReadOnlyList<PersonalFile>> ExportAsync(Guid userId, CancellationToken cancellation)
    {
        using var all = new MemoryStream();
        await export.WriteAllAsync(all, userId, withBin: true, cancellation);
        return [new PersonalFile("chat/conversations.json", Encoding.UTF8.GetString(all.GetBuffer(), 0, (int)all.Length))];
    }
}
