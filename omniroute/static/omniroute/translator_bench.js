/* The test bench: a matrix of what was kept, and the difference behind each square. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const matrix = document.getElementById("matrix");
  if (!matrix) return;
  const { cases, formats } = JSON.parse(document.getElementById("bench-data").textContent);
  const error = document.getElementById("bench-error");
  const detail = document.getElementById("bench-detail");
  const short = { openai_chat: "Chat", openai_responses: "Responses", anthropic_messages: "Claude", gemini: "Gemini" };

  function square(cell, open) {
    const how = cell.stream ? "streamed" : "whole";
    const button = translator.make("button", cell.passed ? "✓" : "✗", `or-square ${cell.passed ? "or-square-good" : "or-square-bad"}`);
    button.type = "button";
    const where = cell.provider ? `${short[cell.client]} to ${short[cell.provider]}` : formats[cell.client];
    button.title = `${cases[cell.case]}, ${where}, ${how}: ${cell.passed ? "passed" : "failed"}`;
    button.setAttribute("aria-label", button.title);
    button.addEventListener("click", () => open(cell, button.title));
    return button;
  }

  async function run(button) {
    const state = document.getElementById("bench-state");
    const started = performance.now();
    button.disabled = true;
    state.textContent = "Running";
    translator.fail(error, null);
    try {
      const { cells } = await translator.ask({ action: "run" });
      draw(cells);
      const passed = cells.filter((cell) => cell.passed).length;
      state.textContent = `${passed} of ${cells.length} passed, in ${((performance.now() - started) / 1000).toFixed(1)} s`;
      document.querySelector(".or-legend").hidden = false;
    } catch (problem) {
      state.textContent = "";
      translator.fail(error, problem);
    } finally {
      button.disabled = false;
    }
  }

  function draw(cells) {
    const names = Object.keys(formats);
    const table = translator.make("table", undefined, "or-matrix");
    const clients = table.createTHead().insertRow();
    clients.append(translator.make("th", "Client"));
    for (const client of names) {
      const head = translator.make("th", short[client]);
      head.colSpan = names.length;
      head.scope = "colgroup";
      clients.append(head);
    }
    const providers = table.tHead.insertRow();
    providers.append(translator.make("th", "Provider"));
    for (const client of names) for (const provider of names) {
      const head = translator.make("th", short[provider], client === provider ? "or-same" : "");
      head.scope = "col";
      providers.append(head);
    }
    const body = table.createTBody();
    for (const [name, label] of Object.entries(cases)) {
      const row = body.insertRow();
      const head = translator.make("th", label);
      head.scope = "row";
      row.append(head);
      for (const client of names) for (const provider of names) {
        const own = cells.filter((cell) => cell.case === name && cell.client === client && cell.provider === provider);
        row.insertCell().append(...own.map((cell) => square(cell, open)));
      }
    }
    matrix.replaceChildren(table);
  }

  async function open(cell, title) {
    try {
      const { case: name, client, provider, stream } = cell;
      translator.detail(detail, title, await translator.ask({ action: "cell", case: name, client, provider, stream }));
    } catch (problem) {
      translator.fail(error, problem);
    }
  }

  document.querySelector("[data-run]").addEventListener("click", (event) => run(event.currentTarget));

  const form = document.getElementById("real");
  if (!form) return;
  const state = document.getElementById("real-state");
  const stop = form.querySelector("[data-stop]");
  let running = null;

  function checked(name) {
    return [...form.querySelectorAll(`input[name=${name}]:checked`)].map((box) => box.value);
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    running?.abort();
    running = new AbortController();
    const wanted = { formats: checked("formats"), cases: checked("cases") };
    const table = translator.make("table", undefined, "or-matrix or-matrix-plain");
    const head = table.createTHead().insertRow();
    head.append(translator.make("th", "Case"), ...wanted.formats.map((format) => translator.make("th", formats[format])));
    const places = {};
    for (const name of wanted.cases) {
      const row = table.insertRow();
      row.append(translator.make("th", cases[name]));
      for (const format of wanted.formats) (places[`${name} ${format}`] = row.insertCell()).textContent = "…";
    }
    document.getElementById("real-matrix").replaceChildren(table);
    translator.fail(error, null);
    stop.hidden = false;
    let done = 0;
    let passed = 0;
    const total = wanted.formats.length * wanted.cases.length;
    state.textContent = `0 of ${total}`;
    const asked = { action: "real", ...wanted, model: form.elements.model.value, account: Number(form.elements.account.value), stream: form.elements.stream.checked };
    try {
      await translator.lines(asked, running.signal, (kind, cell) => {
        done += 1;
        passed += cell.passed;
        places[`${cell.case} ${cell.client}`].replaceChildren(square(cell, (each, title) => translator.detail(detail, title, each)));
        state.textContent = done < total ? `${done} of ${total}` : `${passed} of ${total} passed`;
      });
    } catch (problem) {
      if (problem.name === "AbortError") state.textContent = "Stopped";
      else translator.fail(error, problem);
    } finally {
      stop.hidden = true;
    }
  });
  stop.addEventListener("click", () => running?.abort());
});
