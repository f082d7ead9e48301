using JasperFx;
using LlmPlatform.Host;

// Wolverine's and Marten's own commands (codegen, describe, …) need the code and no database. Anything else starts the platform.
if (args is [var verb, ..] && CommandLineVerbs.Contains(verb))
{
    return await Platform.BuildWithoutDatabase(args).RunJasperFxCommands(args);
}

await using var platform = await Platform.StartAsync(args, adjust: null, CancellationToken.None);
await platform.App.WaitForShutdownAsync();
return 0;
