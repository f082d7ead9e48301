using System.Globalization;
using LlmPlatform.Measuring;

namespace LlmPlatform.Benchmarks;

internal sealed class Options
{
    public const string Usage =
        """
        usage: dotnet run -c Release --project benchmarks/Engine -- --peer <llama-server> [--runs 5] [--cases a,b | --all]
                 [--model <stories260K.gguf>] [--setting Name=Value]... [--bench <llama-bench>] [--inside] [--patience 20]
          --cases    which cases; without it, all but the slow ones. --all adds those.
          --setting  a setting of the platform, such as Inference:Slots=16
          --patience how many seconds to wait before a run for other programs to leave the machine alone
          --inside   measures the worker without host and HTTP instead, beside llama-bench where --bench names it
        """;

    public string? Peer { get; private set; }

    public string? Bench { get; private set; }

    public int Runs { get; private set; } = 5;

    public IReadOnlyList<string> Cases { get; private set; } = [];

    public TimeSpan Patience { get; private set; } = TimeSpan.FromSeconds(20);

    public bool All { get; private set; }

    public bool Inside { get; private set; }

    public string TrainedModel { get; private set; } = Path.Combine(PublishedHost.RepositoryRoot, "../shared/models/stories260K.gguf");

    public List<string> Settings { get; } = [];

    /// <summary>Null where the arguments make no sense.</summary>
    public static Options? Parse(string[] args)
    {
        var options = new Options();
        var rest = new Queue<string>(args);
        while (rest.TryDequeue(out var name))
        {
            if (name is "--all" or "--inside")
            {
                options.All |= name == "--all";
                options.Inside |= name == "--inside";
            }
            else if (!rest.TryDequeue(out var value) || !options.TrySet(name, value))
            {
                return null;
            }
        }

        return options.Inside || options.Peer is not null ? options : null;
    }

    private bool TrySet(string name, string value)
    {
        switch (name)
        {
            case "--peer":
                Peer = value;
                return true;
            case "--bench":
                Bench = value;
                return true;
            case "--runs":
                Runs = int.Parse(value, CultureInfo.InvariantCulture);
                return Runs > 0;
            case "--patience":
                Patience = TimeSpan.FromSeconds(double.Parse(value, CultureInfo.InvariantCulture));
                return true;
            case "--cases":
                Cases = value.Split(',');
                return true;
            case "--model":
                TrainedModel = value;
                return true;
            case "--setting":
                Settings.Add($"--{value}");
                return true;
            default:
                return false;
        }
    }
}
