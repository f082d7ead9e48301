using LlmPlatform.Inference.Contracts;
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
        var error = Assert.Throws<Refusal>(() => GenerationParams.ReadCompletion(body)).Error;
        Assert.Equal((code, param), (error.Code, error.Param));
    }

    [Fact]
    public void Each_choice_has_the_next_seed_or_none()
    {
        var (seeded, _) = Read(With("seed", "9223372036854775807,\"n\":3"));
        Assert.Equal([long.MaxValue, long.MinValue, long.MinValue + 1], Enumerable.Range(0, seeded.Choices).Select(i => seeded.SamplingOf(i).Seed!.Value));
        Assert.Null(Read(With("n", "3")).Wanted.SamplingOf(2).Seed);
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
    [InlineData("tools", """[{"type":"function"}]""")]
    [InlineData("tool_choice", "\"required\"")]
    [InlineData("response_format", """{"type":"json_object"}""")]
    [InlineData("guided_regex", "\"a+\"")]
    [InlineData("guided_what_comes_next", "{}")]
    [InlineData("json_schema", "{}")]
    [InlineData("reasoning_effort", "\"low\"")]
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
        Assert.Equal(1f, wanted.Sampling.Temperature);
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

    private static string With(string name, string value) => $$"""{"model":"m",{{Messages}},"{{name}}":{{value}} }""";

    private static (GenerationParams Wanted, IReadOnlyList<ChatMessage> Messages) Read(string json)
    {
        var body = JsonBody.Parse(json);
        return (GenerationParams.ReadChat(body), ChatCompletions.ReadMessages(body));
    }

    private static void Refused(string json, string code, string? param)
    {
        var error = Assert.Throws<Refusal>(() => Read(json)).Error;
        Assert.Equal((400, code, param), (error.Status, error.Code, error.Param));
    }
}
