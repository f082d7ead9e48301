using System.Security.Cryptography;
using System.Text.Json;
using Npgsql;

namespace LlmPlatform.Host.EmbeddedPostgres;

/// <summary>The two passwords of the cluster. They exist before the cluster does, so the host can be configured while it starts.</summary>
internal sealed record Credentials(string AdministratorPassword, string Password)
{
    public const string Role = "llmplatform";
    public const string Database = "llmplatform";

    public static Credentials? Read(string file)
    {
        try
        {
            var found = JsonSerializer.Deserialize<Credentials>(File.ReadAllText(file), JsonSerializerOptions.Web);
            return found is { AdministratorPassword.Length: > 0, Password.Length: > 0 } ? found : null;
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null;
        }
    }

    // Hexadecimal, because these go into an SQL statement as they are.
    public static Credentials Create(string file)
    {
        var created = new Credentials(
            RandomNumberGenerator.GetHexString(48, lowercase: true), RandomNumberGenerator.GetHexString(48, lowercase: true));
        UnixFiles.WritePrivately(file, JsonSerializer.Serialize(created, JsonSerializerOptions.Web));
        return created;
    }

    public string ConnectionString(string socketFolder) => new NpgsqlConnectionStringBuilder
    {
        Host = socketFolder,
        Port = 5432,
        Username = Role,
        Password = Password,
        Database = Database,
        ApplicationName = "llmplatform",
        // Nothing to encrypt on a Unix socket; without these lines every new connection asks the server first.
        SslMode = SslMode.Disable,
        GssEncryptionMode = GssEncryptionMode.Disable,
    }.ConnectionString;
}
