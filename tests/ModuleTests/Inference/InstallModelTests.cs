using LlmPlatform.Inference.Contracts;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.DependencyInjection;
using Wolverine;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

public sealed class InstallModelTests(PlatformFixture platform)
{
    [Fact]
    public async Task An_install_that_is_asked_for_by_message_twice_runs_once()
    {
        var command = new InstallModel(Guid.CreateVersion7(), $"file://{platform.Imports}/model.gguf", "asked-by-message", null, Guid.Empty);
        await SendAsync(command);
        await SendAsync(command);
        Assert.Equal("succeeded", (await OverAsync(command.InstallId)).Text("state"));
        await SendAsync(command);
        Assert.Equal("succeeded", (await OverAsync(command.InstallId)).Text("state"));
    }

    [Theory]
    [InlineData("file:///etc/passwd", null, null, "source.not_allowed")]
    [InlineData("gopher://example.com/a.gguf", "model", null, "url.scheme")]
    [InlineData("upload:", "model", null, "param.invalid")]
    [InlineData("hf://a/b/c.gguf", "Not a name", null, "param.invalid")]
    [InlineData("hf://a/b/c.gguf", "model", "12", "param.invalid")]
    public async Task An_install_by_message_that_is_refused_shows_as_one_that_failed(string source, string? name, string? hash, string code)
    {
        var command = new InstallModel(Guid.CreateVersion7(), source, name, hash, Guid.Empty);
        await SendAsync(command);
        var install = await OverAsync(command.InstallId);
        Assert.Equal(("failed", code), (install.Text("state"), install.GetProperty("error").Text("code")));
    }

    [Fact]
    public async Task An_install_by_message_whose_name_is_taken_shows_as_one_that_failed()
    {
        var command = new InstallModel(Guid.CreateVersion7(), $"file://{platform.Imports}/model.gguf", PlatformFixture.Model, null, Guid.Empty);
        await SendAsync(command);
        Assert.Equal("model.name_taken", (await OverAsync(command.InstallId)).GetProperty("error").Text("code"));
    }

    private async Task SendAsync(InstallModel command)
    {
        using var scope = platform.Platform.App.Services.CreateScope();
        await scope.ServiceProvider.GetRequiredService<IMessageBus>().PublishAsync(command);
    }

    private Task<System.Text.Json.JsonElement> OverAsync(Guid id) => Eventually.Async(
        () => platform.Administrator.GetJsonAsync($"/api/v1/inference/installs/{id}"),
        install => install.TryGetProperty("state", out var state) && state.GetString() is "succeeded" or "failed");
}
