using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;
using Marten;
using Wolverine;

namespace LlmPlatform.Inference.Installs;

public static class InstallModelHandler
{
    public static async Task<OutgoingMessages> Handle(
        InstallModel command, IDocumentSession session, InstallSources sources, RequestInstallValidator validator, TimeProvider time, CancellationToken cancellation)
    {
        if (await session.LoadAsync<Install>(command.InstallId, cancellation) is not null)
        {
            return []; // delivered twice
        }

        var now = time.GetUtcNow();
        var request = new RequestInstall(command.Source, command.Name, command.Sha256);
        try
        {
            if (await validator.ValidateAsync(request, cancellation) is { IsValid: false } problems)
            {
                throw new Refusal(new Error(422, "param.invalid", problems.ToString(" ")));
            }

            if (command.Source == InstallSources.Upload)
            {
                throw InstallSources.Refuse("url.scheme", "An upload is asked for over HTTP, because its bytes come that way.");
            }

            return (await InstallRequests.StartAsync(session, command.InstallId, request with { Source = sources.Check(command.Source) }, command.By, now, cancellation)).Messages;
        }
        catch (Refusal refusal)
        {
            session.Events.StartStream<Install>(
                command.InstallId,
                new InstallRequested(command.InstallId, command.Name ?? "", command.Source, command.Sha256, command.By, now),
                new InstallFailed(command.InstallId, refusal.Error.Code, refusal.Error.Message, now));
            return [];
        }
    }
}
