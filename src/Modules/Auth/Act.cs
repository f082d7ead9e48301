using LlmPlatform.Admin.Contracts;

namespace LlmPlatform.Auth;

/// <summary>Acts of this module, worded for the audit trail.</summary>
internal static class Act
{
    public static ActPerformed Of(Guid actor, string action, string target, DateTimeOffset now) =>
        new(Guid.CreateVersion7(now), actor, action, target, now);

    public static string User(Guid id) => $"user:{id}";

    public static string ApiKey(Guid id) => $"api_key:{id}";

    public static string Group(string key) => $"group:{key}";

    public static string Quota(string scope) => $"quota:{scope}";

    public static string Invitation(Guid id) => $"invitation:{id}";

    public static string Session(Guid id) => $"session:{id}";
}
