namespace LlmPlatform.ModuleTests.Support;

/// <summary>A BERT with random weights: it makes vectors of texts, which differ where the texts do, and it generates nothing.</summary>
public static class TinyEmbedder
{
    public const int Dimensions = 64;
    public const int Context = 64;

    private const int Layers = 2, Heads = 4, FeedForward = 128, Vocabulary = 768;

    public static void Write(Stream stream)
    {
        var vocabulary = new TinyVocabulary(Vocabulary);
        var writer = new GgufWriter()
            .Set("general.architecture", "bert")
            .Set("general.type", "model")
            .Set("general.name", "random bert")
            .Set("general.alignment", 32u)
            .Set("bert.context_length", (uint)Context)
            .Set("bert.embedding_length", (uint)Dimensions)
            .Set("bert.block_count", (uint)Layers)
            .Set("bert.feed_forward_length", (uint)FeedForward)
            .Set("bert.attention.head_count", (uint)Heads)
            .Set("bert.attention.layer_norm_epsilon", 1e-5f)
            .Set("bert.attention.causal", false)
            .Set("bert.pooling_type", 1u)
            .Set("tokenizer.ggml.model", "llama")
            .Set("tokenizer.ggml.tokens", vocabulary.Tokens)
            .Set("tokenizer.ggml.scores", vocabulary.Scores)
            .Set("tokenizer.ggml.token_type", vocabulary.Types)
            .Set("tokenizer.ggml.token_type_count", 2u)
            .Set("tokenizer.ggml.unknown_token_id", 0u)
            .Set("tokenizer.ggml.bos_token_id", 1u)
            .Set("tokenizer.ggml.eos_token_id", 2u)
            .Set("tokenizer.ggml.add_bos_token", true)
            .Set("tokenizer.ggml.add_eos_token", true);
        var seed = 1;
        GgufWriter.Tensor Matrix(string name, int columns, int rows) => TinyModel.Weights(name, TensorType.F32, columns, rows, seed++, []);
        void Norm(string name) => writer.Add(TinyModel.Ones($"{name}.weight", Dimensions)).Add(TinyModel.Weights($"{name}.bias", TensorType.F32, Dimensions, seed++));

        writer.Add(Matrix("token_embd.weight", Dimensions, Vocabulary))
            .Add(Matrix("token_types.weight", Dimensions, 2))
            .Add(Matrix("position_embd.weight", Dimensions, Context));
        Norm("token_embd_norm");
        for (var i = 0; i < Layers; i++)
        {
            writer.Add(Matrix($"blk.{i}.attn_q.weight", Dimensions, Dimensions))
                .Add(Matrix($"blk.{i}.attn_k.weight", Dimensions, Dimensions))
                .Add(Matrix($"blk.{i}.attn_v.weight", Dimensions, Dimensions))
                .Add(Matrix($"blk.{i}.attn_output.weight", Dimensions, Dimensions))
                .Add(Matrix($"blk.{i}.ffn_up.weight", Dimensions, FeedForward))
                .Add(Matrix($"blk.{i}.ffn_down.weight", FeedForward, Dimensions));
            Norm($"blk.{i}.attn_output_norm");
            Norm($"blk.{i}.layer_output_norm");
        }

        writer.Write(stream);
    }
}
