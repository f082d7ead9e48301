using System.Net;
using System.Net.Http.Json;
using LlmPlatform.Inference;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Models;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.DependencyInjection;
using Wolverine;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

public sealed class DeleteModelTests(PlatformFixture platform)
{
    [Fact]
    public async Task A_model_that_others_stand_on_is_deleted_only_with_them()
    {
        await platform.Administrator.EnsureInstalledAsync(platform, "stood-on");
        (await platform.Administrator.PutAsJsonAsync("/api/v1/inference/presets/standing", new { @base = "stood-on" })).EnsureSuccessStatusCode();
        (await platform.Administrator.PutAsJsonAsync("/api/v1/inference/aliases/on-preset", new { target = "standing" })).EnsureSuccessStatusCode();
        (await platform.Administrator.PutAsJsonAsync("/api/v1/inference/aliases/on-model", new { target = "stood-on" })).EnsureSuccessStatusCode();

        var refused = await platform.Administrator.DeleteAsync("/api/v1/inference/models/stood-on");
        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        var problem = await refused.JsonAsync();
        Assert.Equal("model.has_dependants", problem.Text("code"));
        Assert.All(["'standing'", "'on-preset'", "'on-model'"], name => Assert.Contains(name, problem.Text("detail")!, StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.Conflict, (await platform.Administrator.DeleteAsync("/api/v1/inference/presets/standing")).StatusCode);

        Assert.Equal(HttpStatusCode.Accepted, (await platform.Administrator.DeleteAsync("/api/v1/inference/models/stood-on?cascade=true")).StatusCode);
        var names = await platform.Administrator.GetStringAsync("/v1/models");
        Assert.All(["stood-on", "standing", "on-preset", "on-model"], name => Assert.DoesNotContain($"\"{name}\"", names, StringComparison.Ordinal));
        (await platform.Administrator.PutAsJsonAsync("/api/v1/inference/aliases/standing", new { target = PlatformFixture.Model })).EnsureSuccessStatusCode(); // the name is free
    }

    [Fact]
    public async Task A_deletion_by_message_happens_once_and_a_refused_one_is_told()
    {
        await platform.Administrator.EnsureInstalledAsync(platform, "by-message");
        (await platform.Administrator.PutAsJsonAsync("/api/v1/inference/aliases/in-the-way", new { target = "by-message" })).EnsureSuccessStatusCode();
        var refused = Assert.IsType<ModelCommandRefused>(Assert.Single(await HandleAsync(new DeleteModel(Guid.CreateVersion7(), "by-message", false, Guid.Empty))));
        Assert.Equal(("by-message", "model.has_dependants"), (refused.Name, refused.Code));

        var command = new DeleteModel(Guid.CreateVersion7(), "by-message", true, Guid.Empty);
        using var scope = platform.Platform.App.Services.CreateScope();
        await scope.ServiceProvider.GetRequiredService<IMessageBus>().PublishAsync(command);
        await Eventually.Async(() => platform.Administrator.GetAsync("/api/v1/inference/models/by-message"), answer => answer.StatusCode == HttpStatusCode.NotFound);
        await Eventually.Async(() => platform.Administrator.GetStringAsync("/api/v1/admin/audit?target=model:by-message"), found => found.Contains("inference.model_deleted"));
        Assert.Equal("model.not_found", Assert.IsType<ModelCommandRefused>(Assert.Single(await HandleAsync(command))).Code);
    }

    private async Task<OutgoingMessages> HandleAsync(DeleteModel command)
    {
        await using var session = platform.Platform.App.Services.GetRequiredService<IInferenceStore>().LightweightSession();
        return await DeleteModelHandler.Handle(command, session, TimeProvider.System, TestContext.Current.CancellationToken);
    }
}
