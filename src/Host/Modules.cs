using LlmPlatform.Admin;
using LlmPlatform.Auth;
using LlmPlatform.Chat;
using LlmPlatform.Explore;
using LlmPlatform.Inference;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Host;

/// <summary>The one list of modules. Discovery, stores, routes and every architecture test read it, so no module can be forgotten.</summary>
public static class Modules
{
    public static readonly IReadOnlyList<AppModule> All =
    [
        AuthModule.Definition,
        AdminModule.Definition,
        InferenceModule.Definition,
        ExploreModule.Definition,
        ChatModule.Definition,
    ];
}
