using System.Diagnostics;
using Microsoft.AspNetCore.Mvc;

namespace LlmPlatform.SharedKernel;

/// <summary>Our own API's error shape: RFC 9457 problem details with a stable <c>code</c> and the <c>traceId</c> to quote in a report.</summary>
public static class Problem
{
    public static ProblemDetails Of(int status, string code, string detail, string? param = null)
    {
        var problem = new ProblemDetails
        {
            Status = status,
            Title = Title(status),
            Detail = detail,
            Type = $"urn:llmplatform:error:{code}",
        };
        problem.Extensions["code"] = code;
        if (param is not null)
        {
            problem.Extensions["param"] = param;
        }

        if (Activity.Current is { } activity)
        {
            problem.Extensions["traceId"] = activity.TraceId.ToString();
        }

        return problem;
    }

    private static string Title(int status) => status switch
    {
        400 => "The request is not valid",
        401 => "Sign in first",
        403 => "Not allowed",
        404 => "Not found",
        405 => "Method not allowed",
        409 => "Conflict",
        413 => "Too large",
        415 => "Unsupported content type",
        422 => "Cannot be processed",
        429 => "Too many requests",
        502 => "Another machine's answer cannot be used",
        503 => "Not available now",
        507 => "Not enough space",
        _ => status >= 500 ? "Something broke on our side" : "Refused",
    };
}
