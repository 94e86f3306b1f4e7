/* What the translator's pages share: asking the page's own address, and reading lines of JSON as they come. */
"use strict";

const translator = {
  page: () => document.getElementById("translator"),

  async post(value, signal) {
    const page = this.page();
    const token = page.querySelector("input[name=csrfmiddlewaretoken]").value;
    try {
      return await fetch(page.dataset.url, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": token },
        body: JSON.stringify(value),
        signal,
      });
    } catch (problem) {
      throw signal?.aborted ? problem : new Error("The gateway does not answer.");
    }
  },

  /* The answer's JSON. Throws an Error with what the server says; `place` is where in the body. */
  async ask(value, signal) {
    const answer = await this.post(value, signal);
    if (answer.ok && this.isJson(answer)) return answer.json();
    throw await this.refusal(answer);
  },

  /* Calls `tell(kind, value)` for each line. */
  async lines(value, signal, tell) {
    const answer = await this.post(value, signal);
    if (!answer.ok || this.isJson(answer)) throw await this.refusal(answer);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value: piece } = await reader.read();
      if (done) return;
      const lines = (rest + piece).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        const { kind, value: said } = JSON.parse(line);
        tell(kind, said);
      }
    }
  },

  isJson: (answer) => (answer.headers.get("content-type") ?? "").startsWith("application/json"),

  async refusal(answer) {
    let told = {};
    try {
      told = (await answer.json()).error ?? {};
    } catch {
      /* a page of HTML: logged out, or no permission */
    }
    const lost = answer.redirected || answer.status === 403 ? "Nobody is logged in any more: reload this page." : `The gateway answered ${answer.status}.`;
    const error = new Error(told.message ?? lost);
    error.place = told.line ? { line: told.line, column: told.column } : null;
    return error;
  },

  fail(element, error) {
    element.hidden = !error;
    element.textContent = error ? error.message : "";
  },

  make(tag, text, className = "") {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  },

  shown: (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2)),

  /* What a square of the bench holds: differences as a table, then the bodies. */
  detail(card, title, cell) {
    const header = this.make("header");
    header.append(this.make("h2", title));
    card.replaceChildren(header);
    if (cell.problems.length) {
      const table = this.make("table", undefined, "or-table or-changes");
      const head = table.createTHead().insertRow();
      for (const name of ["What", "Expected", "Got"]) head.append(this.make("th", name));
      const body = table.createTBody();
      for (const problem of cell.problems) {
        const row = body.insertRow();
        row.insertCell().append(this.make("b", problem.what));
        for (const side of [problem.expected, problem.got]) row.insertCell().append(this.make("pre", this.shown(side)));
      }
      const scroll = this.make("div", undefined, "or-scroll");
      scroll.append(table);
      card.append(scroll);
    } else card.append(this.make("p", "Everything that was meant arrived.", "or-muted"));
    for (const [label, text] of [["What the provider got", cell.sent], ["What the client got", cell.answer]]) {
      const more = this.make("details", undefined, "or-message");
      const pre = this.make("pre", text);
      pre.tabIndex = 0;
      more.append(this.make("summary", label), pre);
      card.append(more);
    }
    card.hidden = false;
    card.scrollIntoView({ block: "nearest" });
  },
};
