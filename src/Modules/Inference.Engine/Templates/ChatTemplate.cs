using LlmPlatform.Inference.Engine.Generation;

namespace LlmPlatform.Inference.Engine.Templates;

/// <summary>
/// A model's own chat template, or a plain one where it has none that works. Text of messages, tools and arguments never becomes a control
/// token, whatever it spells. May be used by several threads, which then take turns.
/// </summary>
internal sealed class ChatTemplate : IDisposable
{
    private readonly Lock gate = new();
    private readonly TemplateEngine engine;
    private readonly TemplateValues values;
    private readonly Marks all;
    private readonly Marks controls;

    private ChatTemplate(string source, TemplateTokens tokens)
    {
        Source = source;
        engine = new TemplateEngine(source);
        try
        {
            Capabilities = new TemplateProbe(engine, tokens, source).Run();
        }
        catch
        {
            engine.Dispose();
            throw;
        }

        values = new TemplateValues(tokens, source, Capabilities);
        controls = new Marks(tokens.Controls, engine.Endings);
        // An added token is a mark where the template writes it itself.
        all = new Marks(tokens.Controls.Concat(tokens.Added.Where(text => source.Contains(text, StringComparison.Ordinal))), engine.Endings);
    }

    internal string Source { get; }

    internal TemplateCapabilities Capabilities { get; }

    /// <summary>False where the plain one stands in.</summary>
    internal bool IsOwn { get; private init; }

    /// <summary>Why the model's own is not used, where it has one.</summary>
    internal string? Problem { get; private init; }

    internal static ChatTemplate Load(string? source, TemplateTokens tokens)
    {
        if (source is null)
        {
            return new ChatTemplate(TemplateEngine.Resource("chatml.jinja"), tokens);
        }

        try
        {
            return new ChatTemplate(source, tokens) { IsOwn = true };
        }
        catch (TemplateException problem)
        {
            return new ChatTemplate(TemplateEngine.Resource("chatml.jinja"), tokens) { Problem = problem.Message };
        }
    }

    /// <summary>Throws <see cref="RequestRefusedException"/> where the template refuses, breaks, or cannot keep texts and marks apart.</summary>
    internal RenderedPrompt Render(ChatPrompt prompt)
    {
        lock (gate)
        {
            try
            {
                return RenderApart(prompt);
            }
            catch (TemplateException problem)
            {
                throw new RequestRefusedException(
                    problem.IsRefusal ? "template.refused" : "template.failed", $"The model's chat template does not take this conversation: {problem.Message}", "messages");
            }
        }
    }

    /// <summary>A prompt with the beginning of the reply behind it. That is somebody's text, too: no mark in it counts.</summary>
    internal RenderedPrompt Continue(RenderedPrompt prompt, string begun)
    {
        var end = prompt.Text.Length;
        return begun.Length == 0 ? prompt : new RenderedPrompt(
            prompt.Text + begun,
            [.. prompt.Cuts, .. all.Completes(begun) ? [end] : Array.Empty<int>(), .. all.Find(begun).Select(at => end + at + 1).Where(cut => cut < end + begun.Length)]);
    }

    public void Dispose() => engine.Dispose();

    private RenderedPrompt RenderApart(ChatPrompt prompt)
    {
        var (cover, text) = RenderCovered(prompt, _ => all);
        if (!cover.HasCovered)
        {
            return new RenderedPrompt(text!, []);
        }

        // Templates look into texts, too: what was covered must not have changed what comes of them. The assistant's own marks are read by
        // some (its thoughts are taken out), so they are left to be read where nothing else helps.
        var plain = engine.Render(values.Write(prompt, (_, somebodys) => somebodys), prompt.Turns.Count);
        foreach (var attempt in (Func<(Cover, string?)>[])
            [() => (cover, text), () => RenderCovered(prompt, role => role == "assistant" ? controls : all), () => RenderCovered(prompt, _ => controls)])
        {
            (cover, text) = attempt();
            if (text is not null && cover.Reveal(text) is var revealed && revealed.Text == plain)
            {
                return revealed;
            }
        }

        throw new RequestRefusedException(
            "template.unsafe", "The conversation holds the text of a control token where the model's chat template cannot keep it apart from its own.", "messages");
    }

    /// <summary>The text is null where the template does not take it covered.</summary>
    private (Cover Cover, string? Text) RenderCovered(ChatPrompt prompt, Func<string, Marks> marks)
    {
        for (var block = Cover.FirstBlock; ; block = (char)(block + Cover.BlockLength))
        {
            var cover = new Cover(all, block);
            var json = values.Write(prompt, (role, text) => cover.Hide(text, marks(role)));
            if (cover.IsAmbiguous && block < Cover.LastBlock)
            {
                continue;
            }

            try
            {
                return (cover, engine.Render(json, prompt.Turns.Count));
            }
            catch (TemplateException) when (cover.HasCovered)
            {
                return (cover, null);
            }
        }
    }
}
