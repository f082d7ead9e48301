namespace LlmPlatform.Search;

/// <summary>What people ask: as they type, with mistakes, with filters.</summary>
internal static class Questions
{
    public static readonly (string Name, string[] Questions)[] All =
    [
        ("first page, nothing typed", ["limit=50", "sort=popular", "sort=newest", "sort=name", "sort=size", "sort=parameters"]),
        ("a letter or two", ["query=l", "query=qw", "query=m", "query=de", "query=ge", "query=7"]),
        ("the beginning of a word", ["query=llam", "query=qwen", "query=mist", "query=gemm", "query=phi", "query=deepse"]),
        ("several words", ["query=llama 8b instruct", "query=qwen2.5 coder 7b", "query=gemma 3 12b it", "query=deepseek r1 distill 14b", "query=mistral 24b uncensored", "query=smollm2 1b"]),
        ("a rare word", ["query=kalomi", "query=zuephdra", "query=wynash", "query=torgrifen", "query=miquabel", "query=orilux"]),
        ("misspelt, rare or common", ["query=lamma 8b", "query=mistarl", "query=qwne coder", "query=deepseak", "query=gemna 12b", "query=unsensored"]),
        ("nothing like it", ["query=xylophone", "query=zzzzzz", "query=blockchain", "query=hjkl", "query=!?", "query=postgres"]),
        ("filters only", ["task=code&licence=mit", "quantisation=Q4_K_M&fits=true", "installed=true", "maxBytes=3000000000&sort=popular", "source=hub&task=vision&sort=newest", "licence=gemma&sort=name"]),
        ("words and filters", ["query=llama&fits=true", "query=coder&licence=apache-2.0&sort=popular", "query=qwen&quantisation=Q8_0&sort=size", "query=instruct 7b&task=tools", "query=roleplay&maxBytes=8000000000", "query=llama&installed=true"]),
        ("words in another order", ["query=llama&sort=name", "query=coder&sort=newest", "query=8b&sort=popular", "query=gguf&sort=size", "query=instruct&sort=parameters", "query=qwen&sort=name"]),
    ];

    public static readonly string[] Deep = ["query=llama", "sort=name", "query=coder&sort=newest", "query=qwen 7b", "licence=mit&sort=popular", "query=instruct&fits=true"];
}
