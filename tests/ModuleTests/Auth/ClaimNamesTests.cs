using LlmPlatform.Auth;
using LlmPlatform.Auth.Users;
using LlmPlatform.ModuleTests.Support;
using LlmPlatform.SharedKernel;
using Microsoft.Extensions.DependencyInjection;
using Wolverine;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

public sealed class ClaimNamesTests(PlatformFixture platform)
{
    [Fact]
    public async Task People_from_before_names_were_claimed_get_theirs_at_the_next_start_and_of_two_the_older_one_does()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var services = platform.Platform.App.Services;
        var vault = services.GetRequiredService<SubjectVault>();
        var now = TimeProvider.System.GetUtcNow();
        Guid[] people = [Guid.CreateVersion7(now), Guid.CreateVersion7(now.AddMilliseconds(1))];
        await using var session = services.GetRequiredService<IAuthStore>().LightweightSession();
        foreach (var id in people)
        {
            var name = await vault.SealAsync(id, "Old Timer", cancellation);
            session.Events.StartStream<User>(id, new UserRegistered(id, await vault.SealAsync(id, "old@example.com", cancellation), name, Roles.User, id, now));
        }

        await session.SaveChangesAsync(cancellation);
        await using var scope = services.CreateAsyncScope();
        var bus = scope.ServiceProvider.GetRequiredService<IMessageBus>();
        await bus.InvokeAsync(new ClaimNames(Guid.Empty), cancellation);
        await bus.InvokeAsync(new ClaimNames(Guid.Empty), cancellation); // and again at every start
        await using var later = services.GetRequiredService<IAuthStore>().QuerySession();
        var claim = await later.LoadAsync<NameClaim>(services.GetRequiredService<MasterKey>().NameClaimIds("old timer")[0], cancellation);
        Assert.Equal(people[0], claim?.UserId);
    }
}
