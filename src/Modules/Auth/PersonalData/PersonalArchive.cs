using System.IO.Compression;
using LlmPlatform.Auth.Contracts;
using Microsoft.AspNetCore.Http;

namespace LlmPlatform.Auth.PersonalData;

/// <summary>Packs what every module keeps of a person.</summary>
public sealed class PersonalArchive(IEnumerable<IPersonalData> modules)
{
    /// <summary>A zip file of JSON documents, as an answer to download.</summary>
    public async Task<IResult> PackAsync(Guid userId, DateTimeOffset now, CancellationToken cancellation)
    {
        var buffer = new MemoryStream();
        await using (var zip = new ZipArchive(buffer, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var module in modules)
            {
                foreach (var file in await module.ExportAsync(userId, cancellation))
                {
                    await using var writer = new StreamWriter(await zip.CreateEntry(file.Path).OpenAsync(cancellation));
                    await writer.WriteAsync(file.Json.AsMemory(), cancellation);
                }
            }
        }

        return TypedResults.File(buffer.ToArray(), "application/zip", $"personal-data-{now:yyyy-MM-dd}.zip");
    }
}
