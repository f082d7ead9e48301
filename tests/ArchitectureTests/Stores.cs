using System.Text.RegularExpressions;
using JasperFx.CodeGeneration;
using LlmPlatform.Host;
using Microsoft.Extensions.DependencyInjection;
using Wolverine.Runtime.Handlers;
using Xunit;

namespace LlmPlatform.ArchitectureTests;

/// <summary>Rule 4: a module touches its own tables only. That no foreign key crosses schemas needs a database and is not looked at here.</summary>
public sealed class Stores
{
    [Fact]
    public void Every_endpoint_of_a_module_works_on_the_store_of_that_module()
    {
        var chains = BuiltHost.Chains.Select(c => (Chain: c, Module: Modules.All.FirstOrDefault(m => m.Assembly == c.Method.HandlerType.Assembly))).ToArray();

        Assert.NotEmpty(chains);
        Gaps.AreNone(chains.Where(c => c.Module is null || c.Chain.AncillaryStoreType != c.Module.Store)
            .Select(c => $"{BuiltHost.Show(c.Chain.Method)} works on {c.Chain.AncillaryStoreType?.Name ?? "no store"}"));
    }

    [Fact]
    public void Every_message_handler_of_a_module_works_on_the_store_of_that_module()
    {
        // Handlers are looked for when the host starts or its adapters are written; this is the second way.
        foreach (var adapters in BuiltHost.Services.GetServices<ICodeFileCollection>())
        {
            adapters.BuildFiles();
        }

        var handled = BuiltHost.Services.GetRequiredService<HandlerGraph>().Chains.SelectMany(c => c.ByEndpoint.Append(c))
            .SelectMany(c => c.Handlers.Select(h => (Chain: c, Handler: h, Module: Modules.All.FirstOrDefault(m => m.Assembly == h.HandlerType.Assembly))))
            .Where(h => h.Module is not null)
            .ToArray();

        Assert.Equal(BuiltHost.Handlers.Count, handled.Select(h => h.Handler.Method).Distinct().Count());
        Gaps.AreNone(handled.Where(h => h.Chain.AncillaryStoreType != h.Module!.Store)
            .Select(h => $"{BuiltHost.Show(h.Handler)} works on {h.Chain.AncillaryStoreType?.Name ?? "no store"}"));
    }

    [Fact]
    public void Every_store_writes_to_the_schema_that_is_named_like_its_module()
    {
        Gaps.AreNone(Modules.All.Where(m => BuiltHost.StoreOf(m).Options.DatabaseSchemaName != m.Name)
            .Select(m => $"{m.Name} writes to {BuiltHost.StoreOf(m).Options.DatabaseSchemaName}"));
        Gaps.AreNone(Modules.All.Where(m => BuiltHost.StoreOf(m).Options.Events.DatabaseSchemaName != m.Name).Select(m => $"{m.Name} has its events elsewhere"));
    }

    [Fact]
    public void No_two_modules_share_a_store_or_a_schema()
    {
        Assert.Equal(Modules.All.Count, Modules.All.Select(m => m.Store).Distinct().Count());
        Assert.Equal(Modules.All.Count, Modules.All.Select(m => m.Schema).Distinct().Count());
    }

    [Fact]
    public void No_statement_names_a_table_of_another_schema()
    {
        string[] schemas = [.. Modules.All.Select(m => m.Schema), "messaging", "shared"];
        Gaps.AreNone(Modules.All.SelectMany(module => OurCode.SourcesOf(OurCode.NameOf(module)).SelectMany(file =>
            schemas.Where(s => s != module.Schema)
                .Where(s => Regex.IsMatch(OurCode.CodeOf(file), $@"\b(from|into|update|join|table|references|truncate)\s+""?{s}""?\.", RegexOptions.IgnoreCase))
                .Select(s => $"{OurCode.Short(file)} names schema {s}"))));
    }
}
