// The platform beside llama-server on the same machine, in turns.
//   dotnet build src/Host -c Release && dotnet run -c Release --project benchmarks/Engine -- --peer <llama-server>
using LlmPlatform.Benchmarks;
using LlmPlatform.Benchmarks.Cases;
using LlmPlatform.Benchmarks.Inside;
using LlmPlatform.Benchmarks.Servers;
using LlmPlatform.Measuring;

if (Options.Parse(args) is not { } options)
{
    Console.Error.WriteLine(Options.Usage);
    Console.Error.WriteLine($"cases: {string.Join(", ", AllCases.List.Select(c => c.Name))}");
    return 2;
}

var comparison = new Comparison();
var folder = Directory.CreateTempSubdirectory("llmp-engine-");
folder.UnixFileMode |= UnixFileMode.GroupExecute | UnixFileMode.OtherExecute; // or the database of a host that root starts moves elsewhere
var hasFailed = false;
var models = new Models(folder.FullName, options.TrainedModel);
if (options.Inside)
{
    await InsideWorker.CompareAsync(options, models, comparison);
}
else
{
    await using var platform = await Platform.StartAsync(Path.Combine(folder.FullName, "data"), options.Settings);
    var sideBySide = new SideBySide(options, platform, models, folder.FullName);
    foreach (var measured in AllCases.Chosen(options))
    {
        Console.WriteLine($"{measured.Name} ...");
        try
        {
            comparison.Add(measured.Name, measured.Metrics, await sideBySide.RunAsync(measured));
        }
        catch (Exception problem) when (problem is InvalidOperationException or HttpRequestException or IOException)
        {
            Console.Error.WriteLine($"{measured.Name}: {problem.Message} The logs are in {folder.FullName}.");
            hasFailed = true;
        }
    }
}

comparison.Write(Path.Combine(PublishedHost.RepositoryRoot, $"artifacts/benchmarks/{(options.Inside ? "engine-inside" : "engine")}.json"));
if (!hasFailed)
{
    folder.Delete(recursive: true);
}

return hasFailed ? 1 : 0;
