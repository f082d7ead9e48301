using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Generation;
using LlmPlatform.Inference.OpenAi;
using LlmPlatform.SharedKernel;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

public sealed class ChatCompletionRequestTests
{
    private const string Messages = """ "messages":[{"role":"user","content":"Hi"}] """;

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{}x")]
    [InlineData("""{"model":"m",}""")]
    [InlineData("""{"model":"m" /* why */}""")]
    [InlineData("""{"model":'m'}""")]
    [InlineData("""{"temperature":NaN}""")]
    [InlineData("""{"model":"a\u000g"}""")]
    [InlineData("{\"model\":\"a\u0001b\"}")]
    public void What_is_not_JSON_is_refused(string body) => Refused(body, "json.invalid", null);

    [Fact]
    public void A_body_nested_deeper_than_any_request_is_refused() =>
        Refused($$"""{"model":"m",{{Messages}},"metadata":{{new string('[', 100)}}{{new string(']', 100)}} }""", "json.invalid", null);

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("\"text\"")]
    [InlineData("7")]
    public void A_body_that_is_no_object_is_refused(string body) => Refused(body, "param.type", "body");

    [Theory]
    [InlineData("""{"model":"a","model":"b"}""", "model")]
    [InlineData("""{"model":"a","mod\u0065l":"b"}""", "model")]
    [InlineData("""{"model":"a","messages":[{"role":"user","content":"x","role":"system"}]}""", "messages[0].role")]
    [InlineData("""{"model":"a","metadata":{"x":1,"x":2}}""", "metadata.x")]
    public void A_field_that_stands_twice_is_refused_by_its_path(string body, string param) => Refused(body, "json.invalid", param);

    [Theory]
    [InlineData("""{"\ud800":1}""", "body")]
    [InlineData("""{"model":"m\udc00"}""", "model")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"\ud83d"}]}""", "messages[0].content")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"\ud83dx"}]}]}""", "messages[0].content[0].text")]
    public void Half_a_character_is_refused_by_its_path(string body, string param) => Refused(body, "json.invalid", param);

    [Theory]
    [InlineData("""{"model":"m\u0000"}""", "model")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"a\u0000b"}]}""", "messages[0].content")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"a"}],"stop":["a","\u0000"]}""", "stop[1]")]
    public void A_null_character_is_refused_by_its_path(string body, string param) => Refused(body, "text.control_char", param);

    [Theory]
    [InlineData("{}", "model")]
    [InlineData("""{"model":null}""", "model")]
    [InlineData("""{"model":"m"}""", "messages")]
    [InlineData("""{"model":"m","messages":null}""", "messages")]
    [InlineData("""{"model":"m","messages":[{}]}""", "messages[0].role")]
    [InlineData("""{"model":"m","messages":[{"role":"user"}]}""", "messages[0].content")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":null}]}""", "messages[0].content")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":[{"type":"text"}]}]}""", "messages[0].content[0].text")]
    public void What_is_missing_is_named_by_its_path(string body, string param) => Refused(body, "param.missing", param);

    [Theory]
    [InlineData("""{"model":7}""", "model")]
    [InlineData("""{"model":"m","messages":{}}""", "messages")]
    [InlineData("""{"model":"m","messages":["Hi"]}""", "messages[0]")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":5}]}""", "messages[0].content")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":["x"]}]}""", "messages[0].content[0]")]
    [InlineData("""{"model":"m","messages":[{"role":["user"],"content":"x"}]}""", "messages[0].role")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"x"}],"stream":"true"}""", "stream")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":"0"}""", "temperature")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":"5"}""", "max_tokens")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"x"}],"stop":[1]}""", "stop[0]")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"x"}],"stop":{}}""", "stop")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"x"}],"stream_options":true}""", "stream_options")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"x"}],"logprobs":1}""", "logprobs")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"x"}],"logit_bias":[1]}""", "logit_bias")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"x"}],"logit_bias":{"1":"5"} }""", "logit_bias.1")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"x"}],"ignore_eos":1}""", "ignore_eos")]
    public void A_field_of_the_wrong_type_is_named_by_its_path(string body, string param) => Refused(body, "param.type", param);

    [Theory]
    [InlineData("temperature", "-0.1")]
    [InlineData("temperature", "2.1")]
    [InlineData("temperature", "1e400")]
    [InlineData("top_p", "0")]
    [InlineData("top_p", "1.5")]
    [InlineData("top_k", "-2147483648")]
    [InlineData("top_k", "2147483648")]
    [InlineData("min_p", "-1")]
    [InlineData("max_tokens", "0")]
    [InlineData("max_tokens", "-1")]
    [InlineData("max_tokens", "1.5")]
    [InlineData("max_completion_tokens", "99999999999999999999")]
    [InlineData("seed", "9223372036854775808")]
    [InlineData("n", "0")]
    [InlineData("n", "9")]
    [InlineData("typical_p", "0")]
    [InlineData("repeat_penalty", "0")]
    [InlineData("repetition_penalty", "11")]
    [InlineData("repeat_last_n", "-2")]
    [InlineData("presence_penalty", "2.5")]
    [InlineData("frequency_penalty", "-2.5")]
    [InlineData("top_logprobs", "21")]
    [InlineData("top_logprobs", "5")]
    [InlineData("min_tokens", "-1")]
    [InlineData("stop", """["1","2","3","4","5","6","7","8","9","10","11","12","13","14","15","16","17"]""")]
    [InlineData("stop", "\"\"")]
    public void A_value_out_of_range_is_refused(string name, string value) => Refused(With(name, value), "param.range", name);

    [Theory]
    [InlineData("""{"1":101}""", "logit_bias.1")]
    [InlineData("""{"-1":5}""", "logit_bias.-1")]
    [InlineData("""{"one":5}""", "logit_bias.one")]
    [InlineData("""{"99999999999":5}""", "logit_bias.99999999999")]
    [InlineData("""{"7":5,"07":5}""", "logit_bias.07")]
    public void A_bias_is_refused_by_its_path(string bias, string param) => Refused(With("logit_bias", bias), "param.range", param);

    [Fact]
    public void A_setting_of_two_names_is_refused_where_they_differ()
    {
        Refused(With("repeat_penalty", "1.1,\"repetition_penalty\":1.2"), "param.range", "repetition_penalty");
        Assert.Equal(1.1f, Read(With("repetition_penalty", "1.1,\"repeat_penalty\":1.1")).Wanted.Sampling.RepeatPenalty);
    }

    [Theory]
    [InlineData("true", null, "param.type", "logprobs")]
    [InlineData("6", null, "param.range", "logprobs")]
    [InlineData("-1", null, "param.range", "logprobs")]
    [InlineData("2", "3", "param.unsupported", "top_logprobs")]
    public void A_completion_takes_log_probabilities_as_a_number(string logprobs, string? top, string code, string param)
    {
        var body = JsonBody.Parse($$"""{"model":"m","prompt":"a","logprobs":{{logprobs}},"top_logprobs":{{top ?? "null"}} }""");
        var error = Assert.Throws<Refusal>(() => GenerationParams.ReadCompletion(body, body.RequiredText("model"))).Error;
        Assert.Equal((code, param), (error.Code, error.Param));
    }

    [Fact]
    public void Each_choice_has_the_next_seed_or_none()
    {
        var (seeded, _) = Read(With("seed", "9223372036854775807,\"n\":3"));
        ulong[] next = [long.MaxValue, 1UL << 63, (1UL << 63) + 1];
        Assert.Equal(next, Enumerable.Range(0, seeded.Choices).Select(i => seeded.SamplingOf(i).ToWire().Seed));
        Assert.False(Read(With("n", "3")).Wanted.SamplingOf(2).ToWire().HasSeed);
    }

    [Fact]
    public void A_wrong_max_tokens_is_refused_also_beside_a_right_max_completion_tokens() =>
        Refused(With("max_completion_tokens", "5,\"max_tokens\":0"), "param.range", "max_tokens");

    [Theory]
    [InlineData("api_base", "\"http://169.254.169.254\"")]
    [InlineData("base_url", "null")]
    [InlineData("n_discard", "-1")]
    [InlineData("id_slot", "7")]
    [InlineData("grammar", "\"root ::= x\"")]
    [InlineData("chat_template", "\"{{ x }}\"")]
    public void A_field_that_would_reach_past_the_api_is_refused(string name, string value) => Refused(With(name, value), "param.unknown", name);

    [Theory]
    [InlineData("functions", """[{"name":"f"}]""")]
    [InlineData("function_call", """{"name":"f"}""")]
    [InlineData("guided_regex", "\"a+\"")]
    [InlineData("guided_what_comes_next", "{}")]
    [InlineData("json_schema", "{}")]
    [InlineData("echo", "true")]
    [InlineData("best_of", "2")]
    public void What_would_change_the_answer_and_is_not_built_is_refused_instead_of_dropped(string name, string value) =>
        Refused(With(name, value), "param.unsupported", name);

    [Theory]
    [InlineData("image_url")]
    [InlineData("input_audio")]
    [InlineData("file")]
    public void A_part_that_is_no_text_is_refused(string type) =>
        Refused($$"""{"model":"m","messages":[{"role":"user","content":[{"type":"{{type}}"}]}]}""", "modality.unsupported", "messages[0].content[0].type");

    [Theory]
    [InlineData("")]
    [InlineData("root")]
    [InlineData("User")]
    public void A_role_that_nobody_has_is_refused(string role) =>
        Refused($$"""{"model":"m","messages":[{"role":"{{role}}","content":"x"}]}""", "param.range", "messages[0].role");

    [Fact]
    public void A_conversation_without_messages_is_refused() => Refused("""{"model":"m","messages":[]}""", "param.range", "messages");

    [Theory]
    [InlineData("n", "1")]
    [InlineData("tools", "[]")]
    [InlineData("tool_choice", "\"auto\"")]
    [InlineData("response_format", """{"type":"text"}""")]
    [InlineData("logit_bias", "{}")]
    [InlineData("logprobs", "false")]
    [InlineData("top_logprobs", "0")]
    [InlineData("presence_penalty", "0")]
    [InlineData("temperature", "null")]
    [InlineData("best_of", "1")]
    [InlineData("guided_json", "null")]
    [InlineData("user", "\"u-1\"")]
    [InlineData("metadata", """{"a":"b"}""")]
    public void What_changes_nothing_is_taken(string name, string value)
    {
        var (wanted, messages) = Read(With(name, value));
        Assert.Null(wanted.Sampling.Temperature); // a preset may set it; else it is 1
        Assert.Equal("Hi", Assert.Single(messages).Content);
    }

    [Fact]
    public void Parts_of_text_are_one_text_and_a_developer_speaks_as_the_system()
    {
        var (_, messages) = Read("""{"model":"m","messages":[{"role":"developer","content":[{"type":"text","text":"Be "},{"type":"text","text":"kind 🐢"}]}]}""");
        var message = Assert.Single(messages);
        Assert.Equal(("system", "Be kind 🐢"), (message.Role, message.Content));
    }

    [Fact]
    public void Every_setting_arrives()
    {
        var (wanted, _) = Read(
            $$"""
            {"model":"m:q4",{{Messages}},"temperature":0.5,"top_p":0.9,"top_k":40,"min_p":0.05,"seed":-3,
             "typical_p":0.9,"repeat_penalty":1.1,"repeat_last_n":32,"presence_penalty":0.5,"frequency_penalty":-0.5,"logit_bias":{"5":-100,"6":2.5},
             "logprobs":true,"top_logprobs":4,"min_tokens":3,"ignore_eos":true,"n":2,"best_of":2,
             "max_completion_tokens":7,"stop":["a","b"],"stream":true,"stream_options":{"include_usage":true} }
            """);
        Assert.Equal("m:q4", wanted.Model);
        Assert.Equal(new Dictionary<int, float> { [5] = -100, [6] = 2.5f }, wanted.Sampling.LogitBias);
        var expected = new SamplingOptions
        {
            Temperature = 0.5f,
            TopP = 0.9f,
            TopK = 40,
            MinP = 0.05f,
            Seed = -3,
            TypicalP = 0.9f,
            RepeatPenalty = 1.1f,
            RepeatLastN = 32,
            PresencePenalty = 0.5f,
            FrequencyPenalty = -0.5f,
            TopLogprobs = 4,
            MinTokens = 3,
            IgnoreEos = true,
        };
        Assert.Equal(expected, wanted.Sampling with { LogitBias = null });
        Assert.Equal((7, 2, true, true), (wanted.MaxTokens, wanted.Choices, wanted.Stream, wanted.IncludeUsage));
        Assert.Equal(["a", "b"], wanted.Stop);
    }

    [Theory]
    [InlineData("""{"model":"m","prompt":["a","b"]}""", "param.unsupported")]
    [InlineData("""{"model":"m","prompt":[]}""", "param.unsupported")]
    [InlineData("""{"model":"m","prompt":[[1,2]]}""", "param.type")]
    [InlineData("""{"model":"m"}""", "param.missing")]
    public void A_completion_takes_exactly_one_prompt(string body, string code) =>
        Assert.Equal(code, Assert.Throws<Refusal>(() => Completions.ReadPrompt(JsonBody.Parse(body))).Error.Code);

    [Theory]
    [InlineData("tools", "{}", "param.type", "tools")]
    [InlineData("tools", "[{}]", "param.missing", "tools[0].type")]
    [InlineData("tools", """[{"type":"web_search"}]""", "param.unsupported", "tools[0].type")]
    [InlineData("tools", """[{"type":"function"}]""", "param.missing", "tools[0].function")]
    [InlineData("tools", """[{"type":"function","function":{}}]""", "param.missing", "tools[0].function.name")]
    [InlineData("tools", """[{"type":"function","function":{"name":"a b"}}]""", "param.range", "tools[0].function.name")]
    [InlineData("tools", """[{"type":"function","function":{"name":"f","parameters":[]}}]""", "param.type", "tools[0].function.parameters")]
    [InlineData("tools", """[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"f"}}]""", "param.range", "tools")]
    [InlineData("tool_choice", "\"required\"", "param.range", "tool_choice")]
    [InlineData("tool_choice", "\"always\"", "param.range", "tool_choice")]
    [InlineData("tool_choice", """{"type":"custom"}""", "param.unsupported", "tool_choice.type")]
    [InlineData("tool_choice", """{"type":"function","function":{"name":"g"}}""", "param.range", "tool_choice.function.name")]
    [InlineData("parallel_tool_calls", "1", "param.type", "parallel_tool_calls")]
    [InlineData("response_format", "{}", "param.missing", "response_format.type")]
    [InlineData("response_format", """{"type":"xml"}""", "param.range", "response_format.type")]
    [InlineData("response_format", """{"type":"json_schema"}""", "param.missing", "response_format.json_schema")]
    [InlineData("response_format", """{"type":"json_schema","json_schema":{"name":"x"}}""", "param.missing", "response_format.json_schema.schema")]
    [InlineData("structured_outputs", "{}", "param.range", "structured_outputs")]
    [InlineData("structured_outputs", """{"regex":"a","choice":["a"]}""", "param.range", "structured_outputs")]
    [InlineData("structured_outputs", """{"lark":"a"}""", "param.unsupported", "structured_outputs.lark")]
    [InlineData("structured_outputs", """{"choice":[1]}""", "param.type", "structured_outputs.choice[0]")]
    [InlineData("truncation", "\"middle\"", "param.range", "truncation")]
    [InlineData("reasoning_effort", "\"huge\"", "param.range", "reasoning_effort")]
    [InlineData("chat_template_kwargs", "[]", "param.type", "chat_template_kwargs")]
    public void What_a_chat_asks_for_wrongly_is_refused_by_its_path(string name, string value, string code, string param)
    {
        var error = Assert.Throws<Refusal>(() => ReadRequest(With(name, value))).Error;
        Assert.Equal((400, code, param), (error.Status, error.Code, error.Param));
    }

    [Theory]
    [InlineData("""{"role":"user","content":"x","tool_calls":[{"id":"1","function":{"name":"f","arguments":"{}"}}]}""", "param.range", "messages[0].tool_calls")]
    [InlineData("""{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}""", "param.missing", "messages[0].tool_calls[0].id")]
    [InlineData("""{"role":"assistant","tool_calls":[{"id":"1"}]}""", "param.missing", "messages[0].tool_calls[0].function")]
    [InlineData("""{"role":"assistant","tool_calls":[{"id":"1","type":"custom"}]}""", "param.unsupported", "messages[0].tool_calls[0].type")]
    [InlineData("""{"role":"assistant","content":null}""", "param.missing", "messages[0].content")]
    [InlineData("""{"role":"tool","content":"x"}""", "param.missing", "messages[0].tool_call_id")]
    public void A_call_or_a_result_that_is_not_whole_is_refused(string message, string code, string param) =>
        Refused($$"""{"model":"m","messages":[{{message}}]}""", code, param);

    [Fact]
    public void A_grammar_is_refused_unless_an_administrator_sends_it()
    {
        var json = With("structured_outputs", """{"grammar":"root ::= \"a\""}""");
        var error = Assert.Throws<Refusal>(() => ReadRequest(json)).Error;
        Assert.Equal((403, "constraint.not_allowed"), (error.Status, error.Code));
        Assert.Equal(new OutputFormat.Grammar("root ::= \"a\""), ReadRequest(json, Roles.Administrator).Format);
    }

    [Fact]
    public void Tools_calls_and_results_arrive()
    {
        var request = ReadRequest(
            """
            {"model":"m","messages":[
               {"role":"user","content":"Weather?"},
               {"role":"assistant","content":null,"reasoning_content":"I ask.","tool_calls":[{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]},
               {"role":"tool","tool_call_id":"call_1","content":"rain"}],
             "tools":[{"type":"function","function":{"name":"weather","description":"Tells it.","parameters":{"type":"object"},"strict":true}}],
             "tool_choice":{"type":"function","function":{"name":"weather"}},"parallel_tool_calls":false,
             "reasoning_effort":"low","truncation":"auto","chat_template_kwargs":{"enable_thinking":false},
             "response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":{"type":"integer"}}}}
            """);
        Assert.Equal([new Tool("weather", "Tells it.", """{"type":"object"}""") { Strict = true }], request.Tools);
        Assert.Equal(new ToolChoice(ToolChoiceMode.Required, "weather"), request.ToolChoice);
        Assert.Equal([new ToolCall("call_1", "weather", """{"city":"Oslo"}""")], request.Messages[1].ToolCalls);
        Assert.Equal(("", "I ask.", "call_1"), (request.Messages[1].Content, request.Messages[1].Reasoning, request.Messages[2].ToolCallId));
        Assert.Equal((false, true, "low"), (request.ParallelToolCalls, request.DropsOldestTurns, request.ReasoningEffort));
        Assert.Equal("""{"enable_thinking":false}""", request.TemplateArguments);
        Assert.Equal(new OutputFormat.JsonSchema("""{"type":"integer"}"""), request.Format);
    }

    private static GenerationRequest ReadRequest(string json, string role = Roles.User)
    {
        var body = JsonBody.Parse(json);
        return ChatCompletions.ReadRequest(body, GenerationParams.ReadChat(body, body.RequiredText("model")), new ModelUser(Guid.Empty, role));
    }

    private static string With(string name, string value) => $$"""{"model":"m",{{Messages}},"{{name}}":{{value}} }""";

    private static (GenerationParams Wanted, IReadOnlyList<ChatMessage> Messages) Read(string json)
    {
        var body = JsonBody.Parse(json);
        return (GenerationParams.ReadChat(body, body.RequiredText("model")), ChatMessages.Read(body));
    }

    private static void Refused(string json, string code, string? param)
    {
        var error = Assert.Throws<Refusal>(() => Read(json)).Error;
        Assert.Equal((400, code, param), (error.Status, error.Code, error.Param));
    }
}
