using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.Extensions.Logging;
using Wolverine;

namespace LlmPlatform.Auth.Setup;

/// <summary>Asks at every start for a first administrator: the one that the settings name, or else a link for whoever reads the log.</summary>
/// <param name="Email">The address that the settings name, or null.</param>
/// <param name="PasswordHash">Hash of the password that the settings name, or null.</param>
/// <param name="Fault">Why that password is refused, or null. It only matters where it would be used.</param>
public sealed record PrepareSetup(string? Email, string? PasswordHash, string? Fault);

public static partial class PrepareSetupHandler
{
    public static async Task<OutgoingMessages> Handle(
        PrepareSetup command,
        IDocumentSession session,
        Registration registration,
        SetupLink link,
        ILogger<PrepareSetup> logger,
        DateTimeOffset now,
        CancellationToken cancellation)
    {
        var messages = new OutgoingMessages();
        await session.LockAsync(SetupState.Lock, cancellation);
        var state = await session.LoadAsync<SetupState>(SetupState.Only, cancellation) ?? new SetupState();
        if (state.IsClosed)
        {
            link.Remove();
            return messages;
        }

        if (command.Email is { } email)
        {
            if (command.Fault is { } fault)
            {
                throw new InvalidOperationException($"Setup:Password: {fault}");
            }

            var newcomer = new NewUser(email, "Administrator", Roles.Administrator, command.PasswordHash) { TakesFreeName = true };
            var user = await registration.AddAsync(session, messages, newcomer, by: null, now, cancellation);
            session.Store(new SetupState { ClosedAt = now });
            link.Remove();
            LogRegistered(logger, user.Id);
            return messages;
        }

        // A link that somebody may already have copied stays good over a restart.
        var token = link.ReadToken() is { } known && state.TokenHash is { } hash && Secret.Matches(known, hash) ? known : Secret.Create();
        session.Store(state with { TokenHash = Secret.Hash(token) });
        LogLink(logger, link.Write(token));
        return messages;
    }

    [LoggerMessage(LogLevel.Information, "The first administrator is user {UserId}, as the settings Setup:Email and Setup:Password ask")]
    private static partial void LogRegistered(ILogger logger, Guid userId);

    [LoggerMessage(LogLevel.Warning, "Nobody can sign in yet: open {Link} to become the first administrator")]
    private static partial void LogLink(ILogger logger, string link);
}
