// Shows openapi.json: sections, routes, and the types of what they take and answer.
// Every text of the document is set as text, never as markup.
"use strict";

const make = (tag, props = {}, ...children) => {
  const e = document.createElement(tag);
  Object.assign(e, props);
  e.append(...children.filter((c) => c !== null && c !== undefined));
  return e;
};

const nameOf = (schema) => (schema && schema.$ref ? schema.$ref.split("/").pop() : "");

const typeOf = (schema) => {
  if (!schema) return "";
  if (schema.$ref) return nameOf(schema);
  const type = [].concat(schema.type || "any").filter((t) => t !== "null").join(" or ");
  if (type === "array") return typeOf(schema.items) + "[]";
  if (type === "object" && schema.additionalProperties && typeof schema.additionalProperties === "object") {
    return "map of " + typeOf(schema.additionalProperties);
  }
  return schema.format ? `${type} (${schema.format})` : type;
};

const limitsOf = (schema) => {
  const out = [];
  if (!schema) return out;
  if (schema.enum) out.push("one of " + schema.enum.map((v) => JSON.stringify(v)).join(", "));
  for (const key of ["minimum", "maximum", "minLength", "maxLength", "maxItems", "maxProperties", "pattern", "default"]) {
    if (schema[key] !== undefined) out.push(`${key} ${schema[key]}`);
  }
  return out;
};

let doc;

const inner = (schema) => {
  if (!schema) return null;
  if (schema.$ref) return schema;
  return inner(schema.items) || (typeof schema.additionalProperties === "object" ? inner(schema.additionalProperties) : null);
};

// fields is a table of the properties of a named type. Types inside open on demand,
// so that types which hold themselves end.
const fields = (ref) => {
  const schema = doc.components.schemas[nameOf(ref)];
  if (!schema || !schema.properties) return make("p", { className: "doc", textContent: (schema && schema.description) || "" });
  const required = new Set(schema.required || []);
  const rows = Object.entries(schema.properties).map(([name, p]) => {
    const text = make("td", {}, [p.description, ...limitsOf(p), ...limitsOf(p.items)].filter(Boolean).join(" · "));
    const target = inner(p);
    if (target) text.append(opener(target));
    return make("tr", {}, make("td", {}, make("code", { textContent: name + (required.has(name) ? "" : "?") })),
      make("td", { textContent: typeOf(p) }), text);
  });
  return make("div", { className: "schema" }, make("p", { className: "doc", textContent: schema.description || "" }), make("table", {}, make("tbody", {}, ...rows)));
};

const opener = (ref) => {
  const d = make("details", {}, make("summary", { textContent: nameOf(ref) }));
  d.addEventListener("toggle", () => {
    if (d.open && d.children.length === 1) d.append(make("div", {}, fields(ref)));
  });
  return d;
};

const content = (title, body) => {
  const out = make("div", {}, make("h3", { textContent: title }));
  if (body.description) out.append(make("p", { className: "doc", textContent: body.description }));
  for (const [type, media] of Object.entries(body.content || {})) {
    out.append(make("p", {}, make("code", { textContent: type }), " " + typeOf(media.schema)));
    const target = inner(media.schema);
    if (target) out.append(opener(target));
  }
  return out;
};

const route = (method, path, op) => {
  const d = make("details", { id: op.operationId }, make("summary", {}, make("span", { className: "method", textContent: method.toUpperCase() }),
    make("code", { textContent: path }), make("span", { className: "summary", textContent: op.summary || "" })));
  d.addEventListener("toggle", () => {
    if (!d.open || d.children.length > 1) return;
    const body = make("div", {}, make("p", { className: "doc", textContent: op.description || "" }));
    if (op.parameters && op.parameters.length) {
      body.append(make("h3", { textContent: "Parameters" }), make("table", {}, make("tbody", {}, ...op.parameters.map((p) => make("tr", {},
        make("td", {}, make("code", { textContent: p.name + (p.required ? "" : "?") })), make("td", { textContent: `${p.in}, ${typeOf(p.schema)}` }),
        make("td", { textContent: [p.description, ...limitsOf(p.schema)].filter(Boolean).join(" · ") }))))));
    }
    if (op.requestBody) body.append(content("Body", op.requestBody));
    for (const [status, answer] of Object.entries(op.responses || {})) body.append(content("Answer " + status, answer));
    const socket = op["x-websocket"];
    for (const side of ["client", "server"]) {
      if (socket && socket[side]) body.append(make("h3", { textContent: `Messages of the ${side}: ${typeOf(socket[side])}` }), inner(socket[side]) ? opener(inner(socket[side])) : "");
    }
    d.append(body);
  });
  return d;
};

const show = (words) => {
  const sections = new Map();
  for (const [path, item] of Object.entries(doc.paths)) {
    for (const [method, op] of Object.entries(item)) {
      const text = `${method} ${path} ${op.summary} ${op.description}`.toLowerCase();
      if (!words.every((w) => text.includes(w))) continue;
      const tag = (op.tags || ["Other"])[0];
      if (!sections.has(tag)) sections.set(tag, []);
      sections.get(tag).push(route(method, path, op));
    }
  }
  const names = [...sections.keys()].sort();
  const main = document.getElementById("routes");
  main.replaceChildren(...names.flatMap((n) => [make("h2", { id: "section-" + n, textContent: n }), ...sections.get(n)]));
  if (!names.length) main.append(make("p", { textContent: "Nothing matches." }));
  document.getElementById("sections").replaceChildren(make("ul", {}, ...names.map((n) => make("li", {}, make("a", { href: "#section-" + n, textContent: n })))));
};

const start = async () => {
  const answer = await fetch("openapi.json");
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  doc = await answer.json();
  document.querySelector("h1").textContent = `${doc.info.title} ${doc.info.version}`;
  const find = document.getElementById("find");
  find.addEventListener("input", () => show(find.value.toLowerCase().split(/\s+/).filter(Boolean)));
  show([]);
};

start().catch((err) => {
  document.getElementById("routes").replaceChildren(make("p", { textContent: `The description did not load: ${err.message}. Load the page again.` }));
});
