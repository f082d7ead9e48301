using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

/// <summary>A platform that sends mails, that everybody may join, and whose clock tests move.</summary>
public sealed class MailingPlatform : IAsyncLifetime
{
    internal MailBox MailBox { get; } = new();

    internal FakeTimeProvider Clock { get; } = new(TimeProvider.System.GetUtcNow());

    internal OwnPlatform Platform { get; private set; } = null!;

    public async ValueTask InitializeAsync() =>
        Platform = await OwnPlatform.StartAsync(Clock, [.. MailBox.Settings, "--SignUp:Mode=open", "--PublicUrl=https://llm.example.com/"]);

    public async ValueTask DisposeAsync()
    {
        await Platform.DisposeAsync();
        await MailBox.DisposeAsync();
    }
}

[CollectionDefinition(Name)]
public sealed class MailingPlatformTests : ICollectionFixture<MailingPlatform>
{
    public const string Name = "mail";
}
