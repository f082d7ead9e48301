using LlmPlatform.Inference.Engine;
using LlmPlatform.Inference.Engine.Generation;
using LlmPlatform.Inference.Engine.Llama;
using Microsoft.AspNetCore.Server.Kestrel.Core;

const int Failed = 1, BadUsage = 2, BadLibrary = 3;

var log = new StderrLog(LogLevel.Warning);
try
{
    var arguments = Arguments.Parse(args);
    return arguments.Verb switch
    {
        "probe" => RunProbe(arguments),
        "measure" => await MeasureAsync(arguments),
        "render" => Rendering.Run(arguments) ? 0 : Failed,
        _ => await ServeAsync(arguments),
    };
}
catch (UsageException problem)
{
    await Console.Error.WriteLineAsync(problem.Message);
    return BadUsage;
}

int RunProbe(Arguments arguments)
{
    ParentWatch.StartIfPiped();
    ProcessLimits.Apply();
    ProcessLimits.ComputeHere();
    try
    {
        var library = LlamaLibrary.Load(arguments.Native, log.CreateLogger("llama"));
        return (arguments.ModelFile is { } file ? Probe.Model(library, file) : Probe.Library(library)) ? 0 : Failed;
    }
    catch (NativeLibraryException problem)
    {
        Probe.Failed("engine.native_library", problem.Message);
        return BadLibrary;
    }
}

async Task<int> MeasureAsync(Arguments arguments)
{
    var loggers = LoggerFactory.Create(logging => logging.AddProvider(log));
    await Measure.RunAsync(LlamaLibrary.Load(arguments.Native, log.CreateLogger("llama")), arguments.Model, loggers);
    ProcessLimits.ExitNow(0);
    return 0;
}

async Task<int> ServeAsync(Arguments arguments)
{
    ParentWatch.Start();
    ProcessLimits.Apply();
    var (native, socket, model) = (arguments.Native, arguments.Socket, arguments.Model);

    // The empty builder reads no settings: the worker runs in its host's folder, and the host's appsettings are not for it.
    var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
    builder.Logging.AddProvider(log);
    builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
    {
        kestrel.ListenUnixSocket(socket, listen => listen.Protocols = HttpProtocols.Http2);
        // The one call is as slow as its host and as long as the worker's life.
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null;
    });
    builder.Services.AddGrpc(grpc => grpc.MaxReceiveMessageSize = 64 << 20);

    Worker worker;
    try
    {
        var loggers = LoggerFactory.Create(logging => logging.AddProvider(log));
        worker = new Worker(LlamaLibrary.Load(native, log.CreateLogger("llama")), model, loggers);
    }
    catch (NativeLibraryException problem)
    {
        await Console.Error.WriteLineAsync(problem.Message);
        return BadLibrary;
    }

    worker.Start();
    builder.Services.AddSingleton(worker);
    builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(2));
    var app = builder.Build();
    app.MapGrpcService<Service>();
    await app.StartAsync();
    StandardOutput.WriteLine("listening");
    await app.WaitForShutdownAsync();
    ProcessLimits.ExitNow(0);
    return 0;
}
