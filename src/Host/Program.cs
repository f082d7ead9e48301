using JasperFx;
using LlmPlatform.Host;
using LlmPlatform.Host.EmbeddedPostgres;
using Serilog;

// Wolverine's and Marten's own commands (codegen, describe) need the code and no database. Anything else starts the platform.
if (args is [var verb, ..] && CommandLineVerbs.Contains(verb))
{
    return await Platform.BuildWithoutDatabase(args).RunJasperFxCommands(args);
}

try
{
    await using var platform = await Platform.StartAsync(args, adjust: null, CancellationToken.None);
    Log.Information("LlmPlatform is ready at {Address}", platform.Address);
    await platform.App.WaitForShutdownAsync();
    return ExitCodes.Done;
}
catch (Exception refused) when (refused is DataFolderInUseException or PostgresRefusedException or PostgresStartException)
{
    Log.Fatal("{Sentence}", refused.Message);
    return refused is DataFolderInUseException ? ExitCodes.InUse : ExitCodes.Misconfigured;
}
finally
{
    await Log.CloseAndFlushAsync();
}
