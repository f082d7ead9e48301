using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.Inference.Presets;

namespace LlmPlatform.Inference.Generation;

/// <summary>A text to embed, or its tokens.</summary>
internal sealed record EmbeddingInput(string? Text, IReadOnlyList<int>? Tokens);

/// <summary>Vectors of length 1, in the order of the texts.</summary>
internal sealed record TextVectors(IReadOnlyList<IReadOnlyList<float>> Vectors, int PromptTokens);

/// <summary>What a model does with texts besides generating them: vectors and tokens.</summary>
internal sealed class ModelTexts(EngineCalls engine, GenerationMetrics metrics)
{
    public async Task<TextVectors> EmbedAsync(string model, ModelUser user, IReadOnlyList<EmbeddingInput> inputs, CancellationToken cancellation)
    {
        var submit = new Submit { Embed = new Inputs() };
        submit.Embed.Inputs_.AddRange(inputs.Select(ToWire));
        var vectors = new IReadOnlyList<float>[inputs.Count];
        var promptTokens = 0;
        await foreach (var item in AskAsync(model, user, _ => submit, cancellation))
        {
            if (item.Embedding is { } embedding)
            {
                vectors[(int)embedding.Index] = embedding.Values;
            }

            promptTokens = (int)(item.Finished?.Usage.PromptTokens ?? 0);
        }

        metrics.Embedded(model, promptTokens);
        return vectors.Contains(null!) ? throw Incomplete() : new TextVectors(vectors, promptTokens);
    }

    /// <summary>The tokens of a text as it is.</summary>
    public Task<IReadOnlyList<int>> TokenizeAsync(string model, ModelUser user, string text, CancellationToken cancellation) =>
        TokenizeAsync(model, user, _ => new Submit { Text = text, TokenizeOnly = true }, cancellation);

    /// <summary>The tokens of the prompt that a conversation becomes.</summary>
    public Task<IReadOnlyList<int>> TokenizeAsync(GenerationRequest request, CancellationToken cancellation) =>
        TokenizeAsync(
            request.Model,
            request.User,
            preset => new Submit { Conversation = request.ToConversation(preset), TokenizeOnly = true },
            cancellation);

    public Task<string> DetokenizeAsync(string model, ModelUser user, IReadOnlyList<int> tokens, CancellationToken cancellation)
    {
        var submit = new Submit { Detokenize = new TokenIds { Ids = { tokens } } };
        return OneAsync(model, user, _ => submit, item => item.HasText ? item.Text : null, cancellation);
    }

    private Task<IReadOnlyList<int>> TokenizeAsync(string model, ModelUser user, Func<Preset?, Submit> compose, CancellationToken cancellation) =>
        OneAsync<IReadOnlyList<int>>(model, user, compose, item => item.Tokens?.Ids, cancellation);

    private async Task<T> OneAsync<T>(string model, ModelUser user, Func<Preset?, Submit> compose, Func<Event, T?> find, CancellationToken cancellation)
        where T : class
    {
        T? found = null;
        await foreach (var item in AskAsync(model, user, compose, cancellation))
        {
            found = find(item) ?? found;
        }

        return found ?? throw Incomplete();
    }

    private IAsyncEnumerable<Event> AskAsync(string model, ModelUser user, Func<Preset?, Submit> compose, CancellationToken cancellation) =>
        engine.AskAsync(new EngineAsk(model, user, compose), cancellation).Select(item => item.Failed is { } failed ? throw EngineCalls.Failure(failed) : item);

    private static Input ToWire(EmbeddingInput input) =>
        input.Text is { } text ? new Input { Text = text } : new Input { Tokens = new TokenIds { Ids = { input.Tokens } } };

    private static GenerationException Incomplete() => new(502, "engine.incomplete", "The engine ended without an answer; the request can be sent again.");
}
