using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text.Json;
using LlmPlatform.Chat.Contracts;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.SharedKernel;
using Wolverine;

namespace LlmPlatform.Chat.Transfer;

/// <summary>What came of an import.</summary>
/// <param name="Imported">Conversations that are new here.</param>
/// <param name="Skipped">Conversations that were here already.</param>
/// <param name="Failed">Those that could not be brought; the others were.</param>
public sealed record ImportResult(int Imported, int Skipped, IReadOnlyList<ImportFailure> Failed);

/// <summary>Why a conversation was not brought.</summary>
/// <param name="Index">Its place in the file, from 0.</param>
/// <param name="Code">Stable.</param>
/// <param name="Message">A sentence.</param>
public sealed record ImportFailure(int Index, string Code, string Message);

/// <summary>Reads a file of conversations, one at a time. Each is brought for itself, so that a bad one spoils no other.</summary>
internal sealed class ImportReader(ConversationImport import, IMessageBus bus, TimeProvider clock)
{
    private const int MostConversations = 20_000;
    private static readonly JsonSerializerOptions Elements = new() { MaxDepth = ConversationFiles.MostNested + 1 };

    /// <exception cref="JsonException">It is no JSON from the beginning on.</exception>
    public async Task<ImportResult> ReadAsync(PipeReader body, Guid owner, CancellationToken cancellation)
    {
        var (imported, skipped, failed) = (0, 0, new List<ImportFailure>());
        Conversation? last = null;
        var index = 0;
        await using var elements = ElementsAsync(body, cancellation).GetAsyncEnumerator(cancellation);
        while (true)
        {
            try
            {
                if (!await elements.MoveNextAsync())
                {
                    break;
                }

                if (index == MostConversations)
                {
                    failed.Add(new ImportFailure(index, "import.too_many_conversations", $"A file has at most {MostConversations} conversations; the rest was not read."));
                    break;
                }
            }
            catch (JsonException) when (index > 0)
            {
                failed.Add(new ImportFailure(index, "json.invalid", "From here on the file is no JSON, or nested too deep; the rest was not read."));
                break;
            }

            try
            {
                var (source, file) = Read(elements.Current);
                var brought = await import.BringAsync(owner, source, file, cancellation);
                (imported, skipped, last) = brought is null ? (imported, skipped + 1, last) : (imported + 1, skipped, brought);
            }
            catch (Refusal refusal)
            {
                failed.Add(new ImportFailure(index, refusal.Error.Code, refusal.Error.Message));
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException) // half a character in a text, a name given twice
            {
                failed.Add(new ImportFailure(index, "import.format_invalid", "This is no conversation of a format that is known here."));
            }

            index++;
        }

        if (last is not null)
        {
            await bus.PublishAsync(new ConversationChanged(owner, last.Id, last.Version, "created", null, clock.GetUtcNow())); // one is enough: lists are read again
        }

        return new ImportResult(imported, skipped, failed);
    }

    private (string Source, ConversationFile File) Read(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Object && ChatGptExport.Is(element))
        {
            return (ChatGptExport.Source, ChatGptExport.Read(element, clock.GetUtcNow()));
        }

        return element.ValueKind == JsonValueKind.Object && element.TryGetProperty("format", out var format) && format.ValueKind == JsonValueKind.String && format.ValueEquals(ConversationFile.Name)
            ? (ConversationFile.Name, element.Deserialize<ConversationFile>(ConversationFiles.Json)!)
            : throw new JsonException();
    }

    /// <summary>The elements of an array, or the one thing that the file is.</summary>
    private static async IAsyncEnumerable<JsonElement> ElementsAsync(PipeReader body, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (await IsArrayAsync(body, cancellation))
        {
            await foreach (var element in JsonSerializer.DeserializeAsyncEnumerable<JsonElement>(body.AsStream(), Elements, cancellation))
            {
                yield return element;
            }
        }
        else
        {
            yield return await JsonSerializer.DeserializeAsync<JsonElement>(body.AsStream(), Elements, cancellation);
        }
    }

    private static async Task<bool> IsArrayAsync(PipeReader body, CancellationToken cancellation)
    {
        while (true)
        {
            var read = await body.ReadAsync(cancellation);
            var first = FirstOf(read.Buffer);
            body.AdvanceTo(read.Buffer.Start, first is null ? read.Buffer.End : read.Buffer.Start);
            if (first is not null || read.IsCompleted)
            {
                return first == '[';
            }
        }
    }

    // Behind white space and a byte order mark.
    private static byte? FirstOf(ReadOnlySequence<byte> buffer)
    {
        foreach (var piece in buffer)
        {
            foreach (var b in piece.Span)
            {
                if (b is not ((byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t' or 0xEF or 0xBB or 0xBF))
                {
                    return b;
                }
            }
        }

        return null;
    }
}
