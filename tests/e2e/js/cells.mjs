// The JavaScript SDKs against the daemon: one line `operation schema model` in, one line of JSON out.
import { strict as assert } from "node:assert";
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [root, modules, sceneText] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const load = async (name) => (await import(pathToFileURL(require.resolve(name)))).default;
const [OpenAI, Anthropic] = [await load("openai"), await load("@anthropic-ai/sdk")];
const scene = JSON.parse(sceneText);

const hello = [{ role: "user", content: "Hello there" }];
const both = [{ role: "user", content: "Ask both tools." }];
const fields = { get_weather: "city", get_time: "zone" };
const names = Object.keys(fields);
const parameters = (field) => ({
  type: "object", properties: { [field]: { type: "string" } }, required: [field],
});
const chatTools = names.map((name) => ({
  type: "function", function: { name, description: name, parameters: parameters(fields[name]) },
}));
const claudeTools = names.map((name) => ({
  name, description: name, input_schema: parameters(fields[name]),
}));

const calls = (found) => assert.deepEqual(
  found.map((c) => [c.function.name, JSON.parse(c.function.arguments)]),
  names.map((name) => [name, scene.arguments[name]]));
const uses = (message) => {
  assert.equal(message.stop_reason, "tool_use");
  assert.deepEqual(
    message.content.filter((b) => b.type === "tool_use").map((b) => [b.name, b.input]),
    names.map((name) => [name, scene.arguments[name]]));
};

const operations = {
  async js_chat({ openai, model }) {
    const answer = await openai.chat.completions.create(
      { model, messages: hello, max_completion_tokens: 64 });
    assert.equal(answer.choices[0].message.content, scene.text);
    assert.equal(answer.choices[0].finish_reason, "stop");
    assert.equal(answer.usage.total_tokens, scene.total);
  },
  async js_chat_stream({ openai, model }) {
    let text = "", finish, usage;
    const stream = await openai.chat.completions.create({
      model, messages: hello, max_completion_tokens: 64, stream: true,
      stream_options: { include_usage: true },
    });
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? "";
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    assert.deepEqual([text, finish, usage?.total_tokens], [scene.text, "stop", scene.total]);
  },
  async js_chat_tools({ openai, model }) {
    const answer = await openai.chat.completions.create(
      { model, messages: both, max_completion_tokens: 64, tools: chatTools });
    assert.equal(answer.choices[0].finish_reason, "tool_calls");
    calls(answer.choices[0].message.tool_calls);
  },
  async js_chat_tools_stream({ openai, model }) {
    const stream = openai.chat.completions.stream(
      { model, messages: both, max_completion_tokens: 64, tools: chatTools });
    const answer = await stream.finalChatCompletion();
    calls(answer.choices[0].message.tool_calls);
  },
  async js_embeddings({ openai, embed }) {
    const answer = await openai.embeddings.create({ model: embed, input: "one" });
    assert.deepEqual(answer.data[0].embedding, scene.vector);
  },
  async js_responses({ openai, model }) {
    const answer = await openai.responses.create({ model, input: "Hello", max_output_tokens: 64 });
    assert.equal(answer.output_text, scene.text);
    assert.equal(answer.usage.total_tokens, scene.total);
  },
  async js_responses_stream({ openai, model }) {
    const stream = openai.responses.stream({ model, input: "Hello", max_output_tokens: 64 });
    let text = "";
    for await (const event of stream)
      if (event.type === "response.output_text.delta") text += event.delta;
    const answer = await stream.finalResponse();
    assert.deepEqual([text, answer.output_text], [scene.text, scene.text]);
  },
  async js_messages({ anthropic, model }) {
    const answer = await anthropic.messages.create({ model, messages: hello, max_tokens: 64 });
    assert.equal(answer.content[0].text, scene.text);
    assert.equal(answer.stop_reason, "end_turn");
    assert.equal(answer.usage.input_tokens + answer.usage.output_tokens, scene.total);
  },
  async js_messages_stream({ anthropic, model }) {
    const stream = anthropic.messages.stream({ model, messages: hello, max_tokens: 64 });
    const answer = await stream.finalMessage();
    assert.equal(answer.content[0].text, scene.text);
    assert.equal(answer.usage.input_tokens + answer.usage.output_tokens, scene.total);
  },
  async js_messages_tools({ anthropic, model }) {
    uses(await anthropic.messages.create(
      { model, messages: both, max_tokens: 64, tools: claudeTools }));
  },
  async js_messages_tools_stream({ anthropic, model }) {
    const stream = anthropic.messages.stream(
      { model, messages: both, max_tokens: 64, tools: claudeTools });
    uses(await stream.finalMessage());
  },
};

async function cell(operation, schema, model, embed) {
  const how = { apiKey: "client-key", maxRetries: 0, timeout: 20000,
                defaultHeaders: { "x-schema": schema.toLowerCase() } };
  // A token of the request's own spares a token service.
  if (schema.startsWith("GCP")) how.defaultHeaders["x-aigw-gcp-access-token"] = scene.googleToken;
  const openai = new OpenAI({ baseURL: `${root}/v1`, ...how });
  const anthropic = new Anthropic({ baseURL: `${root}/anthropic`, ...how });
  try {
    await operations[operation]({ openai, anthropic, model, embed });
    return { verdict: "works" };
  } catch (error) {
    const origin = error?.headers?.get?.("x-understudy-error-origin");
    if (error?.status === 422 && origin !== "upstream")
      return { verdict: "refused", message: error.error?.message ?? error.error?.error?.message ??
                                            error.message };
    return { verdict: "failed", message: String(error?.stack ?? error) };
  }
}

console.log(JSON.stringify(Object.keys(operations)));
for await (const line of createInterface({ input: process.stdin }))
  console.log(JSON.stringify(await cell(...line.split(" "))));
