namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>The request cannot be served as it is; the message is for whoever sent it.</summary>
internal sealed class RequestRefusedException(string code, string message, string? param = null) : Exception(message)
{
    internal string Code { get; } = code;

    internal string Param { get; } = param ?? "";

    internal static void Unless(bool isValid, string param, string message)
    {
        if (!isValid)
        {
            throw new RequestRefusedException("param.range", message, param);
        }
    }
}
