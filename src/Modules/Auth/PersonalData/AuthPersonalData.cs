using System.Text.Json;
using System.Text.Json.Nodes;
using JasperFx.Events;
using LlmPlatform.Auth.ApiKeys;
using LlmPlatform.Auth.Avatars;
using LlmPlatform.Auth.Contracts;
using LlmPlatform.Auth.Oidc;
using LlmPlatform.Auth.Quotas;
using LlmPlatform.Auth.SignIn;
using LlmPlatform.Auth.TwoFactor;
using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;

namespace LlmPlatform.Auth.PersonalData;

/// <summary>What this module keeps of a person: profile, sessions, keys, links to accounts elsewhere, and everything that ever happened to them.</summary>
internal sealed class AuthPersonalData(IAuthStore store, SubjectVault vault, TimeProvider clock) : IPersonalData
{
    private const string Sealed = "sealed";

    public async Task<IReadOnlyList<PersonalFile>> ExportAsync(Guid userId, CancellationToken cancellation)
    {
        await using var session = store.QuerySession();
        var user = await session.LoadAsync<User>(userId, cancellation);
        var keys = await session.Query<ApiKey>().Where(key => key.UserId == userId).OrderBy(key => key.Id).ToListAsync(cancellation);
        var links = await session.Query<AccountLink>().Where(link => link.UserId == userId).ToListAsync(cancellation);
        return user is null
            ? []
            :
            [
                File("profile", await UserProfile.OpenAsync(user, vault, cancellation)),
                File("sessions", await SignInSessions.ListAsync(session, userId, clock.GetUtcNow(), cancellation)),
                File("second-factor", new { IsOn = await SecondFactors.FindAsync(session, userId, cancellation) is { IsOn: true } }),
                File("picture", new { WebP = await AvatarTable.FindAsync(session, userId, cancellation) }),
                File("quota", (await session.LoadAsync<Quota>(Quota.OfUser(userId), cancellation))?.Amounts),
                File("linked-accounts", links.Select(link => new { link.LinkedAt })),
                File("api-keys", await EventsAsync(session, userId, keys.Select(key => key.Id), cancellation)),
                File("events", await EventsAsync(session, userId, [userId], cancellation)),
            ];
    }

    private static PersonalFile File<T>(string name, T content) => PersonalFile.Of($"auth/{name}.json", content);

    private async Task<JsonArray> EventsAsync(IQuerySession session, Guid userId, IEnumerable<Guid> streams, CancellationToken cancellation)
    {
        var readable = new JsonArray();
        foreach (var stream in streams)
        {
            foreach (var e in await session.Events.FetchStreamAsync(stream, token: cancellation))
            {
                readable.Add(await ReadableAsync(e, userId, cancellation));
            }
        }

        return readable;
    }

    // Works on the form in which events are stored, so that a new event is exported without anybody thinking of it.
    private async Task<JsonNode> ReadableAsync(IEvent e, Guid userId, CancellationToken cancellation)
    {
        var data = JsonSerializer.SerializeToNode(e.Data, e.EventType, JsonSerializerOptions.Web)!.AsObject();
        var readable = new JsonObject { ["event"] = e.EventTypeName };
        foreach (var (name, value) in data)
        {
            if (name.StartsWith(Sealed, StringComparison.Ordinal) && value is JsonValue text)
            {
                readable[JsonNamingPolicy.CamelCase.ConvertName(name[Sealed.Length..])] = await vault.OpenAsync(userId, text.GetValue<string>(), cancellation);
            }
            else if (!name.Contains("secret", StringComparison.OrdinalIgnoreCase) && !name.Contains("hash", StringComparison.OrdinalIgnoreCase))
            {
                readable[name] = value?.DeepClone();
            }
        }

        return readable;
    }
}
