using System.Text;

namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>Turns a source into an automaton.</summary>
internal sealed class SourceCompiler
{
    private static readonly Node AnyText = Node.Repeat(Utf8.Write(CodePoints.All), 0, null);

    private readonly IVocabularyText vocabulary;
    private readonly Work work = new(ConstraintLimits.CompileSteps, "the whole constraint");
    private readonly Rules rules;
    private readonly JsonGrammar json;

    private SourceCompiler(IVocabularyText vocabulary)
    {
        this.vocabulary = vocabulary;
        rules = new Rules(work);
        json = new JsonGrammar(rules);
    }

    /// <exception cref="Generation.RequestRefusedException">constraint.invalid, constraint.unsupported or constraint.too_large.</exception>
    internal static Automaton Compile(ConstraintSource source, IVocabularyText vocabulary)
    {
        var compiler = new SourceCompiler(vocabulary);
        var root = compiler.rules.Declare("of the whole text");
        compiler.rules.Define(root, compiler.Read(source));
        return AutomatonBuilder.Build(compiler.rules, compiler.work);
    }

    // Nesting is bounded by the key, which is made first.
    private Node Read(ConstraintSource source) => source switch
    {
        ConstraintSource.AnyJsonObject => json.Object,
        ConstraintSource.JsonSchema schema => SchemaReader.Read(schema.Text, rules, json, work),
        ConstraintSource.Regex regex => RegexReader.ReadWhole(regex.Pattern, TextForm.Plain, work, "the pattern"),
        ConstraintSource.Choice choice => ReadChoice(choice.Texts),
        ConstraintSource.Grammar grammar => GbnfReader.Read(grammar.Text, rules, work),
        ConstraintSource.Literal literal => ReadLiteral(literal.Text),
        ConstraintSource.Marker marker => vocabulary.ControlToken(marker.Text) is { } token ? new TokenNode(token) : ReadLiteral(marker.Text),
        ConstraintSource.TextUntil until => ReadUntil(until.End),
        ConstraintSource.TextWithout without => ReadWithout(without.Text),
        ConstraintSource.AnyText => AnyText,
        ConstraintSource.Sequence sequence => Node.Sequence([.. sequence.Parts.Select(Read)]),
        ConstraintSource.OneOf oneOf => Node.Choice([.. oneOf.Options.Select(Read)]),
        ConstraintSource.Repeat repeat => ReadRepeat(repeat),
        _ => throw new InvalidOperationException("A source of no known kind."),
    };

    private Node ReadLiteral(string text)
    {
        work.Spend(text.Length);
        return Node.Literal(Checked(text));
    }

    private Node ReadChoice(IReadOnlyList<string> texts) => texts.Count == 0
        ? throw ConstraintErrors.Invalid("A choice of nothing", "the choice")
        : Literals.OneOf(texts.Select(Checked), work);

    private Node ReadUntil(string end) => IsControl(end)
        ? Node.Sequence(AnyText, new TokenNode(vocabulary.ControlToken(end)!.Value))
        : MarkedText.Until(MarkerBytes(end), rules, work);

    private Node ReadWithout(string text) => IsControl(text) ? AnyText : MarkedText.Without(MarkerBytes(text), rules, work);

    // A token that is text as well, as some vocabularies have it, is found in the text.
    private bool IsControl(string marker) => vocabulary.ControlToken(marker) is { } token && vocabulary.Bytes(token).IsEmpty;

    private static byte[] MarkerBytes(string marker) =>
        marker.Length > 0 ? Encoding.UTF8.GetBytes(Checked(marker)) : throw ConstraintErrors.Invalid("A marker without text", "the marker");

    private Node ReadRepeat(ConstraintSource.Repeat repeat)
    {
        if (repeat.Min < 0 || repeat.Max < repeat.Min || repeat.Min > ConstraintLimits.CountedRepeats || repeat.Max > ConstraintLimits.CountedRepeats)
        {
            throw ConstraintErrors.Invalid($"A repeat from {repeat.Min} to {repeat.Max}", "the repeat");
        }

        return Separated(Read(repeat.Part), repeat.Separator is { } separator ? Read(separator) : Node.Empty, repeat.Min, repeat.Max);
    }

    internal static Node Separated(Node part, Node separator, int min, int? max)
    {
        if (max == 0)
        {
            return Node.Empty;
        }

        var list = Node.Sequence(part, Node.Repeat(Node.Sequence(separator, part), Math.Max(min - 1, 0), max - 1));
        return min == 0 ? Node.Optional(list) : list;
    }

    private static string Checked(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!Rune.TryGetRuneAt(text, i, out var rune))
            {
                throw ConstraintErrors.Invalid("Half a character", $"character {i}");
            }

            i += rune.Utf16SequenceLength - 1;
        }

        return text;
    }
}
