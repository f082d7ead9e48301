using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using LlmPlatform.Benchmarks.Cases;
using LlmPlatform.Measuring;

namespace LlmPlatform.Benchmarks;

/// <summary>The values of one run of one side, and what part of the processors programs took meanwhile that are none of ours.</summary>
internal sealed record MeasuredRun(string Side, double[] Values, double Others);

/// <summary>All values of all sides, as a table for people and as JSON for the next run to compare with.</summary>
internal sealed class Comparison
{
    public const string Ours = "ours";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerOptions.Web) { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    // Of the moment before anything ran: what else the machine was doing.
    private readonly string load = string.Join(' ', File.ReadAllText("/proc/loadavg").Split(' ')[..3]);
    private readonly List<Row> rows = [];

    public void Add(string caseName, IReadOnlyList<Metric> metrics, IReadOnlyList<MeasuredRun> runs)
    {
        var sides = runs.ToLookup(r => r.Side, r => r.Values);
        var peers = sides.Where(s => s.Key != Ours).OrderBy(s => s.Select(v => v[0]).Median() * (metrics[0].MoreIsBetter ? -1 : 1)).ToList();
        rows.AddRange(metrics.Select((metric, i) => new Row(
            caseName, metric, runs.Select(r => r.Others).Median(), [.. sides[Ours].Select(v => v[i])], [.. peers.Select(p => new PeerValues(p.Key, [.. p.Select(v => v[i])]))])));
    }

    public void Write(string path)
    {
        Console.WriteLine();
        Console.WriteLine(Invariant($"Engine beside its peer: {Environment.ProcessorCount} cores, load average at the start {load}; medians, spread is (max - min) / median, others are programs that are none of ours"));
        Console.WriteLine($"{"case",-12}{"",-24}{"unit",-9}{"ours",9}{"peer",9}{"ratio",8}  {"goal",-10}{"met",-5}{"peer as",-9}{"spread",7}{"peer's",7}{"others",8}{"runs",5}");
        foreach (var row in rows)
        {
            var (metric, ours, peer) = (row.Metric, row.Ours, row.Best?.Values);
            var met = metric.IsMet(ours.Median(), peer?.Median()) switch { true => "yes", false => "no", null => "" };
            Console.WriteLine(Invariant(
                $"{row.Case,-12}{metric.Name,-24}{metric.Unit,-9}{ours.Median(),9:0.0}{peer?.Median(),9:0.0}{row.RatioToPeer,8:0.00}  {metric.Goal,-10}{met,-5}{row.Best?.Side,-9}{ours.Spread(),7:0.00}{peer?.Spread(),7:0.00}{row.Others,8:0%}{ours.Count,5}"));
        }

        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var json = new { cores = Environment.ProcessorCount, load, rows = rows.Select(r => r.ToJson()) };
        File.WriteAllText(path, JsonSerializer.Serialize(json, Json));
        Console.WriteLine($"JSON: {path}");
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private sealed record PeerValues(string Side, List<double> Values);

    /// <summary>One metric of one case; the peers are in the order of what they achieve in the case's first metric.</summary>
    private sealed record Row(string Case, Metric Metric, double Others, List<double> Ours, List<PeerValues> Peers)
    {
        public PeerValues? Best => Peers.FirstOrDefault();

        public double? RatioToPeer => Ours.Median() / Best?.Values.Median();

        public object ToJson() => new
        {
            Case,
            metric = Metric.Name,
            Metric.Unit,
            Metric.Goal,
            met = Metric.IsMet(Ours.Median(), Best?.Values.Median()),
            ratio = RatioToPeer,
            Others,
            ours = new { median = Ours.Median(), spread = Ours.Spread(), values = Ours },
            peers = Peers.Select(p => new { side = p.Side, median = p.Values.Median(), spread = p.Values.Spread(), values = p.Values }),
        };
    }
}
