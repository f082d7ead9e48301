using Microsoft.AspNetCore.Mvc;

namespace LlmPlatform.SharedKernel;

/// <summary>What a caller is told when something is refused: a status, a stable code, a sentence that helps, and the field to blame.</summary>
public sealed record Error(int Status, string Code, string Message, string? Param = null)
{
    /// <summary>Seconds until a retry may succeed, sent as <c>Retry-After</c>.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Whether sending the same request again soon cannot help: OpenAI's and Anthropic's SDKs repeat a 429 or 409 by themselves.</summary>
    public bool IsFinal { get; init; }

    /// <summary>What else helps the caller, such as the version there is; our own road shows it.</summary>
    public IReadOnlyDictionary<string, object?>? More { get; init; }

    public ProblemDetails ToProblem()
    {
        var problem = Problem.Of(Status, Code, Message, Param);
        foreach (var (name, value) in More ?? new Dictionary<string, object?>())
        {
            problem.Extensions[name] = value;
        }

        return problem;
    }
}

/// <summary>A refusal on its way to whoever asked; each road writes it in its own shape.</summary>
public sealed class Refusal(Error error) : Exception(error.Message)
{
    public Error Error { get; } = error;

    public static Refusal Unauthenticated() => new(new Error(401, "auth.required", "Sign in, or send an access token or API key."));

    public static Refusal NotFound(string code, string message) => new(new Error(404, code, message));

    public static Refusal BadParam(string param, string message, string code = "param.range") => new(new Error(400, code, message, param));
}
