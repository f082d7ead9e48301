using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.Extensions.Hosting;

namespace LlmPlatform.Inference;

public interface IInferenceStore : IDocumentStore;

/// <summary>The module's contents on one page.</summary>
public static class InferenceModule
{
    public static readonly AppModule Definition = new("inference", typeof(IInferenceStore), builder => builder.AddInferenceModule());

    private static void AddInferenceModule(this IHostApplicationBuilder builder)
    {
        builder.AddModuleStore<IInferenceStore>(Definition.Schema, options =>
        {
        });
    }
}
