using LlmPlatform.Auth.Users;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Wolverine;

namespace LlmPlatform.Auth.Setup;

/// <summary>Sees to a first administrator, and to the names of those who are there, between the start of the bus and the first request.</summary>
internal sealed class FirstAdministrator(IServiceScopeFactory scopes, IConfiguration configuration, Passwords passwords) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var command = await ReadAsync(cancellationToken);
        await using var scope = scopes.CreateAsyncScope();
        var bus = scope.ServiceProvider.GetRequiredService<IMessageBus>();
        await bus.InvokeAsync(new ClaimNames(Guid.Empty), cancellationToken);
        await bus.InvokeAsync(command, cancellationToken);
    }

    private static string? FaultOf(string password, string email) =>
        CommonPasswords.Contain(password) ? UserRules.CommonPassword : UserRules.IsPersonal(password, email) ? UserRules.PersonalPassword : null;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task<PrepareSetup> ReadAsync(CancellationToken cancellation)
    {
        if ((configuration["Setup:Email"], configuration["Setup:Password"]) is not ({ Length: > 0 } email, { Length: > 0 } password))
        {
            return new PrepareSetup(null, null, null);
        }

        if (EmailAddress.Canonical(email) is null)
        {
            throw new InvalidOperationException("Setup:Email is not an e-mail address.");
        }

        // The message carries a hash, because whoever logs messages should find no password in one.
        return password.Length is >= UserRules.ShortestPassword and <= UserRules.LongestPassword
            ? new PrepareSetup(email, await passwords.HashAsync(password, cancellation), FaultOf(password, email))
            : throw new InvalidOperationException($"Setup:Password needs {UserRules.ShortestPassword} to {UserRules.LongestPassword} characters.");
    }
}
