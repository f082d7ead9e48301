using JasperFx;
using JasperFx.CodeGeneration;
using JasperFx.Core;
using LlmPlatform.SharedKernel;
using Marten;
using Wolverine;
using Wolverine.ErrorHandling;
using Wolverine.Marten;

namespace LlmPlatform.Host.Messaging;

/// <summary>The in-process message bus: durable local queues and one outbox, in schema <c>messaging</c>.</summary>
internal static class WolverineSetup
{
    public const string Schema = "messaging";

    public static void AddMessaging(this WebApplicationBuilder builder, bool ownsDatabase)
    {

        // The main store owns no documents: it brings the envelope tables and Marten's code generation for all others.
        builder.Services.AddMarten(options => options.UseDatabase(builder.Database(), Schema))
            .IntegrateWithWolverine(marten => marten.UseWolverineManagedEventSubscriptionDistribution = true)
            .UseLightweightSessions();
        builder.Services.CritterStackDefaults(defaults =>
        {
            defaults.Development.GeneratedCodeMode = defaults.Production.GeneratedCodeMode = CodeMode;
            defaults.Development.ResourceAutoCreate = defaults.Production.ResourceAutoCreate = AutoCreate.CreateOrUpdate;
        });
        builder.Host.UseWolverine(options => Configure(options, builder.Configuration, ownsDatabase));
    }

    // Release brings adapters that Host.Codegen wrote during the build; a Debug build compiles them when they are first needed.
    private static TypeLoadMode CodeMode =>
#if PREGENERATED
        TypeLoadMode.Static;
#else
        TypeLoadMode.Dynamic;
#endif

    private static void Configure(WolverineOptions options, IConfiguration configuration, bool ownsDatabase)
    {
        options.ServiceName = "llmplatform";
        options.ApplicationAssembly = typeof(WolverineSetup).Assembly;
        foreach (var module in Modules.All)
        {
            options.Discovery.IncludeAssembly(module.Assembly);
        }

        options.MultipleHandlerBehavior = MultipleHandlerBehavior.Separated;
        options.Policies.AutoApplyTransactions();
        options.Policies.UseDurableLocalQueues();
        options.Policies.Add(new ModuleStorePolicy(Modules.All.ToDictionary(m => m.Assembly, m => m.Store)));
        options.Policies.Add(new ValidationPolicy());
        options.CodeGeneration.Sources.Insert(0, new ClockSource());
        options.CodeGeneration.Sources.Insert(0, new CallerSource());
        if (configuration["Codegen:Output"] is { } folder)
        {
            options.CodeGeneration.GeneratedCodeOutputPath = folder;
        }

        options.Durability.MessageStorageSchemaName = Schema;
        options.Durability.MessageIdentity = MessageIdentity.IdAndDestination;
        // Deduplication reaches back as long as a handled envelope is kept; five minutes, the default, is shorter than a bad night.
        options.Durability.KeepAfterMessageHandling = 24.Hours();
        options.Durability.ScheduledJobPollingTime = 1.Seconds();
        options.Durability.DeadLetterQueueExpirationEnabled = true;
        options.Durability.DeadLetterQueueExpiration = 30.Days();
        if (ownsDatabase)
        {
            // Nobody else can reach this database, so there is no leader to elect and recovery starts at once.
            options.Durability.Mode = DurabilityMode.Solo;
        }
        else
        {
            // The defaults take 80 s to notice a dead node; these took 7 s in the run that critter-stack.md section 7 records.
            options.Durability.HealthCheckPollingTime = 1.Seconds();
            options.Durability.StaleNodeTimeout = 5.Seconds();
            options.Durability.CheckAssignmentPeriod = 2.Seconds();
            options.Durability.NodeReassignmentPollingTime = 1.Seconds();
            options.Durability.FirstHealthCheckExecution = 500.Milliseconds();
        }

        foreach (var module in Modules.All)
        {
            module.Messaging?.Invoke(options);
        }

        options.OnException<ConcurrencyException>().RetryWithCooldown(50.Milliseconds(), 100.Milliseconds(), 250.Milliseconds());
        options.OnException<Npgsql.NpgsqlException>().RetryWithCooldown(100.Milliseconds(), 500.Milliseconds())
            .Then.ScheduleRetry(2.Seconds(), 10.Seconds(), 60.Seconds());
        options.OnException<TimeoutException>().RetryWithCooldown(100.Milliseconds(), 300.Milliseconds()).Then.ScheduleRetry(2.Seconds(), 10.Seconds());
    }
}
