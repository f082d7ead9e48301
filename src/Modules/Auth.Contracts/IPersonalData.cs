using System.Text.Json;

namespace LlmPlatform.Auth.Contracts;

/// <summary>Gives what a module keeps of a person, for the archive that the person may ask for. Each module that keeps something registers one.</summary>
public interface IPersonalData
{
    /// <summary>What the module keeps, readable and without secrets.</summary>
    Task<IReadOnlyList<PersonalFile>> ExportAsync(Guid userId, CancellationToken cancellation);
}

/// <summary>One file of the archive.</summary>
/// <param name="Path">Its place in the archive: the module, <c>/</c>, and a name that ends in <c>.json</c>.</param>
/// <param name="Json">Its text, a JSON document.</param>
public sealed record PersonalFile(string Path, string Json)
{
    private static readonly JsonSerializerOptions Readable = new(JsonSerializerOptions.Web) { WriteIndented = true };

    /// <summary>A file of whatever can be written as JSON.</summary>
    public static PersonalFile Of<T>(string path, T content) => new(path, JsonSerializer.Serialize(content, Readable));
}
