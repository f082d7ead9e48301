using System.ClientModel;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using LlmPlatform.ModuleTests.Support;
using OpenAI;
using OpenAI.Chat;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

/// <summary>A model that has never seen a tool or a schema keeps to both.</summary>
public sealed class ReplyFormTests(PlatformFixture platform)
{
    private const string Weather =
        """
        {"type":"object","properties":{"city":{"type":"string","maxLength":12},"days":{"type":"integer","minimum":1,"maximum":9},"unit":{"enum":["c","f"]}},
         "required":["city","days","unit"],"additionalProperties":false}
        """;

    private static readonly object[] Question = [new { role = "user", content = "What is the weather?" }];

    private static readonly object[] Tools =
    [
        new { type = "function", function = new { name = "get_weather", description = "Tells the weather.", parameters = JsonDocument.Parse(Weather).RootElement } },
        new { type = "function", function = new { name = "get_time", parameters = new { type = "object", properties = new { }, additionalProperties = false } } },
    ];

    public static TheoryData<string, string> Bombs => new()
    {
        { """{"regex":"(a|b"}""", "constraint.invalid" },
        { """{"regex":"(?=a)b"}""", "constraint.unsupported" },
        { $$"""{"choice":["{{new string('x', 300_000)}}"]}""", "constraint.too_large" },
        { """{"grammar":"root ::= root \"a\" | \"b\""}""", "constraint.invalid" },
        { """{"grammar":"start ::= \"a\""}""", "constraint.invalid" },
        { """{"json":{"type":"object","properties":{"a":{"$ref":"#/$defs/missing"}}}}""", "constraint.unsupported" },
        { """{"json":{"type":"string","not":{"const":"a"}}}""", "constraint.unsupported" },
        { """{"json":{"type":"integer","minimum":5,"maximum":4}}""", "constraint.invalid" },
        { """{"choice":[]}""", "constraint.invalid" },
    };

    [Theory, MemberData(nameof(Bombs))]
    public async Task A_form_that_cannot_be_kept_is_refused(string form, string code)
    {
        var body = $$"""{"model":"{{PlatformFixture.Model}}","messages":[{"role":"user","content":"a"}],"structured_outputs":{{form}} }""";
        var answer = await platform.Administrator.PostAsync("/v1/chat/completions", new StringContent(body, Encoding.UTF8, "application/json"));
        Assert.Equal(code, (await answer.JsonAsync()).GetProperty("error").Text("code"));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Fact]
    public async Task A_call_that_is_required_is_made_and_its_arguments_are_valid()
    {
        for (var seed = 0; seed < 10; seed++)
        {
            var choice = await ChoiceAsync(new { messages = Question, tools = Tools, tool_choice = "required", parallel_tool_calls = false, seed, temperature = 1.5 });
            Assert.Equal("tool_calls", choice.Text("finish_reason"));
            var message = choice.GetProperty("message");
            Assert.Equal(JsonValueKind.Null, message.GetProperty("content").ValueKind);
            var call = Assert.Single(message.GetProperty("tool_calls").EnumerateArray());
            var arguments = JsonDocument.Parse(call.GetProperty("function").Text("arguments")!).RootElement;
            if (call.GetProperty("function").Text("name") == "get_weather")
            {
                Assert.InRange(arguments.GetProperty("days").GetInt32(), 1, 9);
                Assert.Contains(arguments.Text("unit"), (string[])["c", "f"]);
            }
            else
            {
                Assert.Equal("get_time", call.GetProperty("function").Text("name"));
                Assert.Empty(arguments.EnumerateObject());
            }
        }
    }

    [Fact]
    public async Task A_named_function_is_the_one_that_is_called()
    {
        var choice = await ChoiceAsync(new
        {
            messages = Question,
            tools = Tools,
            tool_choice = new { type = "function", function = new { name = "get_weather" } },
            temperature = 1.5,
            seed = 3,
            max_tokens = 400,
        });
        Assert.All(choice.GetProperty("message").GetProperty("tool_calls").EnumerateArray(), call => Assert.Equal("get_weather", call.GetProperty("function").Text("name")));
    }

    [Fact]
    public async Task Without_a_choice_of_tools_none_is_shown_or_called()
    {
        var with = await UsageAsync(new { messages = Question, tools = Tools, max_tokens = 1 });
        var without = await UsageAsync(new { messages = Question, max_tokens = 1 });
        var none = await UsageAsync(new { messages = Question, tools = Tools, tool_choice = "none", max_tokens = 1 });
        Assert.True(with > without + 50, $"{with} and {without} tokens: the model is not told of its tools.");
        Assert.Equal(without, none);
    }

    [Fact]
    public async Task The_official_client_streams_a_call_and_sends_its_result_back()
    {
        var client = await ClientAsync();
        var options = new ChatCompletionOptions { ToolChoice = ChatToolChoice.CreateFunctionChoice("get_weather"), AllowParallelToolCalls = false, Temperature = 1.5f };
        options.Tools.Add(ChatTool.CreateFunctionTool("get_weather", "Tells the weather.", BinaryData.FromString(Weather)));
        List<ChatMessage> messages = [new UserChatMessage("What is the weather?")];

        var (id, name, arguments) = ("", "", new StringBuilder());
        ChatFinishReason? reason = null;
        await foreach (var update in client.CompleteChatStreamingAsync(messages, options))
        {
            foreach (var call in update.ToolCallUpdates)
            {
                Assert.Equal(0, call.Index);
                (id, name) = (call.ToolCallId ?? id, call.FunctionName ?? name);
                arguments.Append(call.FunctionArgumentsUpdate);
            }

            reason = update.FinishReason ?? reason;
        }

        Assert.Equal(("get_weather", ChatFinishReason.ToolCalls), (name, reason));
        Assert.NotEqual("", id);
        Assert.InRange(JsonDocument.Parse(arguments.ToString()).RootElement.GetProperty("days").GetInt32(), 1, 9);

        messages.Add(new AssistantChatMessage([ChatToolCall.CreateFunctionToolCall(id, name, BinaryData.FromString(arguments.ToString()))]));
        messages.Add(new ToolChatMessage(id, "Rain."));
        options.ToolChoice = ChatToolChoice.CreateNoneChoice();
        options.MaxOutputTokenCount = 8;
        Assert.Empty((await client.CompleteChatAsync(messages, options)).Value.ToolCalls);
    }

    [Fact]
    public async Task A_schema_is_kept_and_nothing_follows_it()
    {
        for (var seed = 0; seed < 10; seed++)
        {
            var choice = await ChoiceAsync(new
            {
                messages = Question,
                response_format = new { type = "json_schema", json_schema = new { name = "w", schema = JsonDocument.Parse(Weather).RootElement } },
                temperature = 1.5,
                seed,
            });
            var text = choice.GetProperty("message").Text("content")!;
            var json = JsonDocument.Parse(text).RootElement;
            Assert.Equal("stop", choice.Text("finish_reason"));
            Assert.Equal(["city", "days", "unit"], json.EnumerateObject().Select(property => property.Name));
            Assert.Equal(text, text.Trim());
        }
    }

    [Fact]
    public async Task Json_a_pattern_a_choice_and_a_grammar_are_kept()
    {
        var json = await ChoiceAsync(new { messages = Question, response_format = new { type = "json_object" }, temperature = 1.5, seed = 1, max_tokens = 300 });
        if (json.Text("finish_reason") == "stop")
        {
            Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(json.GetProperty("message").Text("content")!).RootElement.ValueKind);
        }

        Assert.Matches("^[0-9]{3}-[a-f]{2}$", await TextAsync(new { messages = Question, structured_outputs = new { regex = "[0-9]{3}-[a-f]{2}" }, temperature = 1.5 }));
        Assert.Contains(await TextAsync(new { messages = Question, structured_outputs = new { choice = new[] { "yes", "no", "maybe" } }, temperature = 1.5 }), (string[])["yes", "no", "maybe"]);
        Assert.Matches("^(ab)+c$", await TextAsync(new { messages = Question, structured_outputs = new { grammar = "root ::= \"ab\" root | \"abc\"" }, temperature = 1.5 }));
        var completion = await (await platform.Administrator.PostAsJsonAsync(
            "/v1/completions", new { model = PlatformFixture.Model, prompt = "Once", structured_outputs = new { choice = new[] { " upon", " more" } } })).JsonAsync();
        Assert.Contains(completion.GetProperty("choices")[0].Text("text"), (string[])[" upon", " more"]);
    }

    [Fact]
    public async Task Log_probabilities_come_with_a_form_and_are_the_models_own()
    {
        var choice = await ChoiceAsync(new { messages = Question, structured_outputs = new { choice = new[] { "zebra" } }, logprobs = true, top_logprobs = 2 });
        var tokens = choice.GetProperty("logprobs").GetProperty("content").EnumerateArray().ToList();
        Assert.Equal("zebra", string.Concat(tokens.Select(token => token.Text("token"))));
        Assert.All(tokens, token => Assert.True(token.GetProperty("logprob").GetSingle() < 0));
        // The model would have said something else, and its own probabilities say so.
        Assert.Contains(tokens, token => token.GetProperty("top_logprobs")[0].Text("token") != token.Text("token"));
    }

    [Fact]
    public async Task A_context_that_is_full_loses_its_oldest_turns_only_where_that_is_asked_for()
    {
        var messages = Enumerable.Range(0, 400).Select(turn => new { role = turn % 2 == 0 ? "user" : "assistant", content = "Once upon a time there was a little cat." })
            .Append(new { role = "user", content = "And then?" });
        var refused = await platform.Administrator.PostAsJsonAsync("/v1/chat/completions", new { model = PlatformFixture.Model, messages, max_tokens = 4 });
        Assert.Equal("context_length_exceeded", (await refused.JsonAsync()).GetProperty("error").Text("code"));
        var answer = await platform.Administrator.PostAsJsonAsync("/v1/chat/completions", new { model = PlatformFixture.Model, messages, max_tokens = 4, truncation = "auto" });
        Assert.InRange((await answer.JsonAsync()).GetProperty("dropped_messages").GetInt32(), 2, 400);
    }

    private async Task<JsonElement> AnswerAsync(object request)
    {
        var fields = JsonSerializer.SerializeToNode(request)!.AsObject();
        fields["model"] = PlatformFixture.Model;
        var answer = await platform.Administrator.PostAsJsonAsync("/v1/chat/completions", fields);
        var json = await answer.JsonAsync();
        Assert.True(answer.IsSuccessStatusCode, json.GetRawText());
        return json;
    }

    private async Task<JsonElement> ChoiceAsync(object request) => (await AnswerAsync(request)).GetProperty("choices")[0];

    private async Task<string> TextAsync(object request) => (await ChoiceAsync(request)).GetProperty("message").Text("content")!;

    private async Task<int> UsageAsync(object request) => (await AnswerAsync(request)).GetProperty("usage").GetProperty("prompt_tokens").GetInt32();

    private async Task<ChatClient> ClientAsync()
    {
        var key = (await (await platform.Administrator.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "forms" })).JsonAsync()).Text("key")!;
        return new ChatClient(PlatformFixture.Model, new ApiKeyCredential(key), new OpenAIClientOptions { Endpoint = new Uri(platform.Platform.Address, "/v1") });
    }
}
