/* The playground: a translation for every change, a moment after it. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("play");
  if (!form) return;
  const { sources, targets, samples, given } = JSON.parse(document.getElementById("play-data").textContent);
  const field = form.elements;
  const source = document.getElementById("source");
  const result = document.getElementById("result");
  const steps = document.getElementById("steps");
  const error = document.getElementById("play-error");
  const detected = document.getElementById("detected");
  const note = document.getElementById("note");
  let last = null;
  let chosen = 3;
  let timer = 0;
  let running = null;

  function offer() {
    const kind = field.kind.value;
    for (const [select, names] of [[field.sourceFormat, sources[kind]], [field.targetFormat, targets[kind]]]) {
      for (const option of select.options) option.hidden = option.disabled = Boolean(option.value) && !names.includes(option.value);
      if (select.selectedOptions[0]?.disabled) select.value = [...select.options].find((option) => !option.disabled).value;
    }
    for (const part of form.querySelectorAll("[data-for]")) part.hidden = part.dataset.for !== kind;
    field.sample.replaceChildren(new Option("A sample…", ""));
    samples.forEach((sample, index) => {
      if (sample.kind !== kind || (field.sourceFormat.value && sample.format !== field.sourceFormat.value)) return;
      const label = [...field.sourceFormat.options].find((option) => option.value === sample.format)?.text ?? sample.format;
      field.sample.add(new Option(`${sample.name} · ${label}`, index));
    });
  }

  function wish() {
    const target = field.kind.value === "request" ? field.target.value.trim() : "";
    const slash = target.indexOf("/");
    return {
      kind: field.kind.value,
      sourceFormat: field.sourceFormat.value,
      targetFormat: field.targetFormat.value,
      provider: slash < 0 ? target : target.slice(0, slash),
      model: slash < 0 ? "" : target.slice(slash + 1),
      status: Number(field.status.value) || 400,
      body: source.value,
    };
  }

  async function translate() {
    running?.abort();
    if (!source.value.trim()) return show(null);
    running = new AbortController();
    try {
      const done = await translator.ask(wish(), running.signal);
      translator.fail(error, null);
      source.removeAttribute("aria-invalid");
      show(done);
    } catch (problem) {
      if (problem.name === "AbortError") return;
      show(null);
      source.setAttribute("aria-invalid", "true");
      translator.fail(error, problem);
      if (problem.place && document.activeElement !== source) select(problem.place);
    }
  }

  function select({ line, column }) {
    const lines = source.value.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
    source.setSelectionRange(start, Math.min(start + 1, source.value.length));
  }

  function show(done) {
    last = done;
    detected.hidden = !done;
    steps.replaceChildren();
    if (done) {
      detected.textContent = done.steps[0].title.split(": ").pop();
      const most = done.steps.at(-1).number;
      if (!done.steps.some((step) => step.number === chosen)) chosen = most;
      for (const step of done.steps) {
        const button = translator.make("button", step.title);
        button.type = "button";
        button.addEventListener("click", () => {
          chosen = step.number;
          press();
        });
        button.dataset.step = step.number;
        steps.append(button);
      }
    }
    press();
    changed(done?.changes ?? []);
  }

  function press() {
    for (const button of steps.children) button.setAttribute("aria-pressed", String(Number(button.dataset.step) === chosen));
    result.textContent = last?.steps.find((step) => step.number === chosen)?.text ?? "";
  }

  function changed(changes) {
    document.getElementById("change-count").textContent = changes.length;
    document.getElementById("no-changes").hidden = changes.length > 0 || !last;
    document.getElementById("changes-table").hidden = !changes.length;
    const rows = changes.map((change) => {
      const row = document.createElement("tr");
      row.insertCell().append(translator.make("code", change.path || "-"));
      const tone = { "left out": "warn", "changed": "", "added": "", "without effect": "" }[change.what];
      row.insertCell().append(translator.make("span", change.what, tone ? `or-pill or-pill-${tone}` : "or-pill"));
      row.insertCell().textContent = change.why;
      return row;
    });
    document.getElementById("changes").replaceChildren(...rows);
  }

  function soon(wait = 250) {
    clearTimeout(timer);
    timer = setTimeout(translate, wait);
  }

  function begin(text, about = "") {
    source.value = text;
    note.hidden = !about;
    note.textContent = about;
    soon(0);
  }

  source.addEventListener("input", () => {
    note.hidden = true;
    soon();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    soon(0);
  });
  form.addEventListener("input", (event) => {
    if (event.target.name === "target") chosen = event.target.value.trim() ? 4 : 3;
    if (["target", "status"].includes(event.target.name)) soon(400);
  });
  form.addEventListener("change", async (event) => {
    const { name, value } = event.target;
    if (name === "kind" || name === "sourceFormat") offer();
    if (name === "sample" && value) {
      const sample = samples[value];
      field.sourceFormat.value = sample.format;
      field.status.value = sample.status || 400;
      return begin(sample.text);
    }
    if (name === "request" && value) return location.assign(`?request=${encodeURIComponent(value)}`);
    if (name === "kept" && value) {
      try {
        const kept = await translator.ask({ action: "load", name: value });
        field.kind.value = kept.kind;
        field.sourceFormat.value = kept.format;
        offer();
        return begin(kept.content);
      } catch (problem) {
        return translator.fail(error, problem);
      }
    }
    if (name !== "keepAs") soon(0);
  });

  form.querySelector("[data-keep]")?.addEventListener("click", async () => {
    const name = field.keepAs.value.trim();
    if (!name) return field.keepAs.focus();
    try {
      await translator.ask({ action: "save", name, body: source.value, kind: field.kind.value, format: field.sourceFormat.value });
      if (![...field.kept.options].some((option) => option.value === name)) field.kept.add(new Option(name));
      field.keepAs.value = "";
      translator.fail(error, null);
      note.hidden = false;
      note.textContent = `Kept as ${name}.`;
    } catch (problem) {
      translator.fail(error, problem);
    }
  });
  document.querySelector("[data-format]").addEventListener("click", () => {
    try {
      source.value = JSON.stringify(JSON.parse(source.value), null, 2);
    } catch {
      /* a stream, or broken: the server says where */
    }
    soon(0);
  });
  document.querySelector("[data-swap]").addEventListener("click", () => {
    const made = last?.steps.find((step) => step.number === 3);
    if (!made || !sources[field.kind.value].includes(last.targetFormat)) return;
    const from = last.sourceFormat;
    field.sourceFormat.value = last.targetFormat;
    if (targets[field.kind.value].includes(from)) field.targetFormat.value = from;
    offer();
    begin(made.text);
  });

  offer();
  const first = samples.findIndex((sample) => sample.kind === "request" && sample.format === "openai_chat" && sample.name === "Tool call");
  if (given) begin(given.text, given.note);
  else begin(samples[first].text);
});
