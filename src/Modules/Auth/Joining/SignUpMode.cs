using LlmPlatform.SharedKernel;
using Microsoft.Extensions.Configuration;

namespace LlmPlatform.Auth.Joining;

/// <summary>Who may join without being asked: nobody (<c>closed</c>), whoever an administrator approves (<c>approval</c>), or everybody (<c>open</c>).</summary>
public sealed class SignUpMode
{
    private readonly bool isOpen;
    private readonly bool isClosed;

    public SignUpMode(IConfiguration configuration)
    {
        var mode = configuration["SignUp:Mode"]?.ToLowerInvariant() ?? "";
        (isClosed, isOpen) = mode switch
        {
            "" or "closed" => (true, false),
            "approval" => (false, false),
            "open" => (false, true),
            _ => throw new InvalidOperationException("SignUp:Mode is one of closed, approval and open."),
        };
    }

    /// <summary>What somebody who signed up may do.</summary>
    public string Role => isOpen ? Roles.User : Roles.Pending;

    /// <exception cref="Refusal"><c>sign_up.closed</c></exception>
    public void RefuseClosed()
    {
        if (isClosed)
        {
            throw new Refusal(new Error(403, "sign_up.closed", "People join this platform by invitation. Ask an administrator for one."));
        }
    }
}
