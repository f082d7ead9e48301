using System.Globalization;
using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.ModuleTests.Engine.Constraints;
using LlmPlatform.ModuleTests.Support;
using NJsonSchema;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine;

/// <summary>Forms of answers, kept by a whole worker. MODEL_SCHEMAS asks for more schemas than the short run of every build.</summary>
public sealed class FormTests
{
    private const int AtATime = 32;

    private static readonly int Schemas = int.Parse(Environment.GetEnvironmentVariable("MODEL_SCHEMAS") ?? "96", CultureInfo.InvariantCulture);

    private static readonly OutputForm[] Bombs =
    [
        new() { Regex = "(a|b" },
        new() { Regex = string.Concat(Enumerable.Repeat("(", 20_000)) + string.Concat(Enumerable.Repeat(")", 20_000)) },
        new() { Grammar = "root ::= root \"a\" | \"b\"" },
        new() { Grammar = "root ::= " + new string('(', 60_000) + "\"a\"" + new string(')', 60_000) },
        new() { JsonSchema = """{"type":"string","pattern":"^+[a-z]$"}""" },
        new() { Grammar = "root ::= (\"a\"*)* root" },
        new() { JsonSchema = """{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}""" },
        new() { JsonSchema = string.Concat(Enumerable.Repeat("""{"type":"array","items":""", 500)) + "{}" + new string('}', 500) },
        new() { JsonSchema = $$"""{"enum":["{{new string('x', 300_000)}}"]}""" },
        new() { JsonSchema = "not JSON" },
        new() { Choice = new Texts() },
    ];

    [Fact]
    public async Task A_form_that_explodes_is_refused_and_a_stream_beside_it_says_what_it_says_alone()
    {
        await using var worker = await WorkerProcess.StartReadyAsync(TinyModel.Path);
        var alone = await worker.GenerateAsync(new Submit { Text = "the cat", MaxTokens = 400 });
        var stream = await worker.SubmitAsync(new Submit { Text = "the cat", MaxTokens = 400 });
        var bombs = new List<ulong>();
        foreach (var bomb in Bombs)
        {
            bombs.Add(await worker.SubmitAsync(new Submit { Text = "the dog", Form = bomb, MaxTokens = 100 }));
        }

        var result = await worker.ReadToEndAsync([stream, .. bombs]);
        Assert.Equal(alone.Text[..100], result[stream].Text[..100]);
        Assert.Equal(FinishReason.Length, result[stream].Finished?.Reason);
        Assert.All(bombs, bomb => Assert.StartsWith("constraint.", result[bomb].Failed?.Code, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_hot_model_of_random_weights_writes_what_its_schema_says_or_runs_out_of_tokens()
    {
        await using var worker = await WorkerProcess.StartReadyAsync(TinyModel.Path);
        var whole = 0;
        for (var first = 0; first < Schemas; first += AtATime)
        {
            var asked = new Dictionary<ulong, string>();
            for (var seed = first; seed < Math.Min(Schemas, first + AtATime); seed++)
            {
                var schema = new RandomSchema(seed).Next().ToJsonString();
                var sampling = new Sampling { Temperature = 1.5f, Seed = (ulong)seed };
                asked.Add(await worker.SubmitAsync(new Submit { Text = "the", Form = new OutputForm { JsonSchema = schema }, MaxTokens = 300, Sampling = sampling }), schema);
            }

            foreach (var (id, answer) in await worker.ReadToEndAsync([.. asked.Keys]))
            {
                Assert.True(answer.Finished is not null, $"{answer.Failed?.Code}: {answer.Failed?.Message}\n{asked[id]}");
                if (answer.Finished.Reason == FinishReason.Stop)
                {
                    whole++;
                    SchemaCheck.IsValid(await JsonSchema.FromJsonAsync(asked[id], TestContext.Current.CancellationToken), asked[id], answer.Text);
                }
            }
        }

        Assert.True(whole > Schemas / 2, $"{whole} of {Schemas} came to an end.");
    }
}
