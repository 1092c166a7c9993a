"use strict";

// The page that renders openapi.json. The token lives in this variable; what comes from elsewhere is only ever text.
let token = "";
let api = {};
const root = location.pathname.replace(/docs$/, "");
const main = document.getElementById("main");

document.getElementById("open").addEventListener("submit", async (event) => {
  event.preventDefault();
  token = document.getElementById("token").value.trim();
  try {
    const response = await fetch(root + "openapi.json", { headers: { Authorization: `Bearer ${token}` } });
    const body = await response.json();
    if (!response.ok) throw new Error(body.error.message);
    api = body;
    main.replaceChildren(...shown());
  } catch (error) {
    main.replaceChildren(el("p", { className: "wrong" }, String(error.message)));
  }
});

function el(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
}

function shown() {
  const tags = new Map(api.tags.map((tag) => [tag.name, []]));
  for (const [path, methods] of Object.entries(api.paths))
    for (const [method, operation] of Object.entries(methods))
      tags.get(operation.tags[0]).push(rendered(path, method, operation));
  const links = api.tags.map((tag) => el("a", { href: `#${tag.name}` }, tag.name));
  const sections = api.tags.map((tag) =>
    el("section", { id: tag.name }, el("h2", {}, tag.name), el("p", {}, tag.description), ...tags.get(tag.name)));
  return [el("p", {}, `${api.info.description}Version ${api.info.version}.`), el("nav", {}, ...links), ...sections];
}

function rendered(path, method, operation) {
  const head = el("summary", {}, el("span", { className: "method" }, method.toUpperCase()),
    el("span", { className: "path" }, path), " ", el("span", { className: "said" }, operation.summary));
  const details = el("details", { className: `operation ${method}` }, head);
  // What is inside is made when it is first looked at.
  details.addEventListener("toggle", () => details.append(inside(path, method, operation)), { once: true });
  return details;
}

function inside(path, method, operation) {
  const fields = operation.parameters.map((parameter) => [
    parameter, el("input", { required: parameter.required, placeholder: parameter.schema.examples?.[0] ?? "" }),
  ]);
  const schema = operation.requestBody?.content["application/json"].schema;
  const body = schema && el("textarea", { spellcheck: false }, JSON.stringify(example(schema), null, 2));
  const answer = el("div", {});
  const form = el("form", {}, ...fields.map(([parameter, input]) => asked(parameter, input)),
    schema ? el("h3", {}, "Body") : "", body ?? "", schema ? named("what it may hold:", schema) : "",
    el("p", {}, el("button", {}, "Send")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(method, path, fields, body, answer);
  });
  return el("div", {}, operation.description ? el("p", {}, operation.description) : "", form, answer,
    el("h3", {}, "Answers"), el("ul", {}, ...Object.entries(operation.responses).map(answered)));
}

function asked(parameter, input) {
  const told = `${kind(parameter.schema)}${parameter.required ? ", required" : ""}`;
  return el("label", { className: "parameter" }, el("code", {}, parameter.name), " ",
    el("span", { className: "type" }, told), " ", input, " ", parameter.description ?? "");
}

function answered([status, response]) {
  const found = resolved(response);
  // Refusals have one shape, which need not be shown each time.
  if (response.$ref) return el("li", {}, el("code", {}, status), ` ${found.description}`);
  const [type, content] = Object.entries(found.content ?? {})[0] ?? [];
  const about = el("li", {}, el("code", {}, status), ` ${found.description}`);
  if (content?.schema) about.append(" ", named("what it holds:", content.schema));
  else if (type) about.append(" ", el("span", { className: "type" }, type));
  return about;
}

function resolved(node) {
  return node.$ref ? node.$ref.slice(2).split("/").reduce((found, key) => found[key], api) : node;
}

function kind(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.map(kind).join(" or ");
  if (schema.type === "array") return `list of ${schema.items ? kind(schema.items) : "anything"}`;
  const known = { minimum: "≥", maximum: "≤", minLength: "length ≥", maxLength: "length ≤" };
  const limits = Object.entries(known).filter(([key]) => key in schema).map(([key, word]) => `${word} ${schema[key]}`);
  if (schema.pattern?.length < 60) limits.push(`matches ${schema.pattern}`);
  if (schema.default !== undefined) limits.push(`default ${JSON.stringify(schema.default)}`);
  return [schema.format ?? schema.type ?? (schema.pattern ? "string" : "anything"), ...limits].join(", ");
}

// The models that a schema leads to, through lists and choices.
function models(schema) {
  if (schema.$ref) return [schema.$ref];
  return [schema.items, schema.additionalProperties, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]
    .filter((child) => child && typeof child === "object").flatMap(models);
}

function named(word, schema) {
  const made = el("details", {}, el("summary", {}, word, " ", el("span", { className: "type" }, kind(schema))));
  made.addEventListener("toggle", () => made.append(keys(schema)), { once: true });
  return made;
}

function keys(schema) {
  const found = resolved(schema);
  const listed = Object.entries(found.properties ?? {}).map(([name, child]) => {
    const told = [kind(child), found.required?.includes(name) ? "required" : ""].filter(Boolean).join(", ");
    return el("li", {}, el("code", {}, name), " ", el("span", { className: "type" }, told), " ",
      child.description ?? "", ...models(child).map((ref) => named("", { $ref: ref })));
  });
  const inner = found.properties ? [] : models(found).map((ref) => el("li", {}, named("", { $ref: ref })));
  return el("div", {}, el("p", {}, found.description ?? ""), el("ul", {}, ...listed, ...inner));
}

function example(schema) {
  const found = resolved(schema);
  if (found.examples) return found.examples[0];
  if (found.default !== undefined) return found.default;
  if (found.enum) return found.enum[0];
  if (found.anyOf) return example(found.anyOf[0]);
  if (found.type === "object") {
    const told = Object.entries(found.properties ?? {});
    const wanted = told.filter(([name, child]) => found.required?.includes(name) || child.examples);
    return Object.fromEntries(wanted.map(([name, child]) => [name, example(child)]));
  }
  if (found.type === "array") return found.minItems ? [example(found.items)] : [];
  return { integer: found.minimum ?? 0, number: found.minimum ?? 0, boolean: false, string: "" }[found.type];
}

async function send(method, path, fields, body, answer) {
  const headers = { Authorization: `Bearer ${token}` };
  const query = new URLSearchParams();
  for (const [parameter, input] of fields.filter(([, input]) => input.value !== ""))
    if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    else if (parameter.in === "query") query.append(parameter.name, input.value);
    else headers[parameter.name] = input.value;
  const asked = root + path.slice(1) + (query.size ? `?${query}` : "");
  const stop = new AbortController();
  const text = el("pre", {});
  const button = el("button", { type: "button", onclick: () => stop.abort() }, "Stop");
  answer.replaceChildren(el("p", {}, el("code", {}, `${method.toUpperCase()} ${asked}`)), text, button);
  try {
    const options = { method: method.toUpperCase(), headers, body: body?.value, signal: stop.signal };
    const response = await fetch(asked, options);
    text.append(`${response.status} ${response.statusText}\n\n`);
    if (response.headers.get("Content-Type")?.startsWith("application/json"))
      text.append(JSON.stringify(await response.json(), null, 2));
    else await follow(response, text);
  } catch (error) {
    if (error.name !== "AbortError") text.append(String(error.message));
  }
  button.remove();
}

// A stream is shown while it comes.
async function follow(response, text) {
  const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let piece = await pieces.read(); !piece.done; piece = await pieces.read()) text.append(piece.value);
}
