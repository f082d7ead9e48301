using LlmPlatform.Inference.Engine.Llama;
using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>Turns a prompt into tokens, or tokens into text. It is answered while it is prepared, and never computes.</summary>
internal sealed class TextRequest(Submit request, Outbox outbox) : EngineRequest(request, outbox)
{
    internal static bool IsOne(Submit request) => request.TokenizeOnly || request.Detokenize is not null;

    protected override bool IsAdmitted => true;

    protected override bool HasSaidSomething => true;

    internal override void Begin(LoadedModel model, ChatLanguage? language)
    {
        if (Request.Detokenize is { } tokens)
        {
            Say(new Event { Id = Id, Text = Detokenize(tokens.Ids, model.Model.Vocabulary) });
        }
        else
        {
            var answer = new Event { Id = Id, Tokens = new Tokens() };
            answer.Tokens.Ids.AddRange(Tokenize(model, language));
            Say(answer);
        }

        Finish(FinishReason.Stop);
    }

    internal override void Finish(FinishReason reason) => Finish(new Finished { Reason = reason, Usage = new Usage(), Timings = new Timings() });

    /// <summary>The tokens of the prompt, or of all the texts to embed.</summary>
    private IEnumerable<int> Tokenize(LoadedModel model, ChatLanguage? language) => Request.Embed is { } embed
        ? embed.Inputs_.SelectMany((input, index) => EmbeddingRequest.Tokens(input, model, index))
        : new Prompt(model.Model.Vocabulary, language, ContextOf(model)).Tokenize(Request).Tokens;

    /// <summary>Control tokens are written as templates write them.</summary>
    private static string Detokenize(IEnumerable<int> tokens, Vocabulary vocabulary)
    {
        var text = new System.Text.StringBuilder();
        var characters = new Utf8Assembler();
        foreach (var token in tokens)
        {
            RequestRefusedException.Unless(vocabulary.IsToken(token), "tokens", $"The model has no token {token}; its ids go from 0 to {vocabulary.Size - 1}.");
            text.Append(vocabulary.ControlText(token) ?? characters.Push(vocabulary.Piece(token)));
        }

        return text.ToString();
    }
}
