using System.Globalization;
using System.Text.Json;

namespace LlmPlatform.Measuring;

/// <summary>What was measured, as a table for people and as JSON for the next run to compare with.</summary>
internal sealed class Report(string title)
{
    private readonly Dictionary<string, (string Unit, double? Target, List<double> Values)> rows = [];

    /// <summary>Adds one measurement of a case. <paramref name="target"/> is the most it may be.</summary>
    public void Add(string name, string unit, double value, double? target = null)
    {
        if (!rows.TryGetValue(name, out var row))
        {
            rows.Add(name, row = (unit, target, []));
        }

        row.Values.Add(value);
    }

    /// <summary>The table goes to standard output, and the JSON to <paramref name="path"/>: per case its unit, target, median, and all values.</summary>
    public void Write(string path)
    {
        Console.WriteLine($"{title}, {Environment.ProcessorCount} cores");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{"case",-52}{"median",10}{"worst",10}{"target",10}  unit    runs"));
        foreach (var (name, (unit, target, values)) in rows)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name,-52}{values.Median(),10:0.0}{values.Max(),10:0.0}{target,10:0.0}  {unit,-7} {values.Count}"));
        }

        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        File.WriteAllText(path, JsonSerializer.Serialize(rows.Select(r => new
        {
            name = r.Key,
            unit = r.Value.Unit,
            target = r.Value.Target,
            median = r.Value.Values.Median(),
            values = r.Value.Values,
        })));
        Console.WriteLine($"JSON: {path}");
    }
}
