namespace LlmPlatform.SharedKernel;

/// <summary>What a credential may be used for, beside what its owner's role allows. Access tokens carry <see cref="Everything"/>.</summary>
public static class Scopes
{
    /// <summary>Generate text, embed, chat, and see which models there are.</summary>
    public const string Inference = "inference";

    /// <summary>Find, install, load and delete models.</summary>
    public const string Models = "models";

    /// <summary>Administer users and the platform.</summary>
    public const string Admin = "admin";

    public const string Everything = "*";

    public static readonly IReadOnlyList<string> All = [Inference, Models, Admin, Everything];
}
