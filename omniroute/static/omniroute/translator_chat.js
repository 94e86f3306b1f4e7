/* The chat tester: one request, and all that happens to it while it happens. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("chat");
  if (!form) return;
  const field = form.elements;
  const at = (id) => document.getElementById(id);
  const send = form.querySelector("[data-send]");
  const stop = form.querySelector("[data-stop]");
  let running = null;
  let text = "";
  let started = 0;

  function reset() {
    for (const id of ["sent-path", "sent-body", "up-path", "up-body", "got-body", "got-text", "got-first"]) at(id).textContent = "";
    for (const id of ["up-dropped", "got-status", "got-text", "exchange"]) at(id).hidden = true;
    at("cycle").hidden = false;
    text = "";
    started = performance.now();
  }

  const tell = {
    request({ path, body }) {
      at("sent-path").textContent = `POST ${path}`;
      at("sent-body").textContent = body;
    },
    upstream({ url, body, dropped }) {
      at("up-path").textContent = url;
      at("up-body").textContent = body;
      at("up-dropped").hidden = !dropped.length;
      at("up-dropped").textContent = `Left out, because the provider’s format has no words for it: ${dropped.join(", ")}`;
    },
    head({ status }) {
      const pill = at("got-status");
      pill.hidden = false;
      pill.textContent = status;
      pill.className = `or-pill or-pill-${status < 400 ? "good" : "bad"}`;
    },
    body(piece) {
      if (!text) at("got-first").textContent = `first bytes after ${Math.round(performance.now() - started)} ms`;
      text += piece;
      at("got-body").append(piece);
      const said = spoken(text);
      at("got-text").hidden = !said;
      at("got-text").textContent = said;
    },
    end({ html }) {
      at("exchange").innerHTML = html; /* rendered and escaped by the server */
      at("exchange").hidden = false;
    },
  };

  /* The words of an answer in any of the formats, for people. */
  function spoken(raw) {
    if (!/^(event|data|:)/.test(raw.trimStart())) {
      try {
        return words(JSON.parse(raw));
      } catch {
        return "";
      }
    }
    return raw.split("\n").filter((line) => line.startsWith("data:")).map((line) => {
      try {
        return delta(JSON.parse(line.slice(5)));
      } catch {
        return "";
      }
    }).join("");
  }

  function delta(event) {
    if (event.type === "response.output_text.delta") return event.delta ?? "";
    if (event.type) return event.delta?.text ?? "";
    return event.choices?.[0]?.delta?.content ?? words(event);
  }

  function words(value) {
    const parts = value.content ?? value.candidates?.[0]?.content?.parts ?? value.output?.flatMap((item) => item.content ?? []);
    if (Array.isArray(parts)) return parts.filter((part) => !part.thought).map((part) => part.text ?? "").join("");
    return value.choices?.[0]?.message?.content ?? "";
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    running?.abort();
    const own = (running = new AbortController());
    reset();
    translator.fail(at("chat-error"), null);
    send.disabled = true;
    stop.hidden = false;
    at("chat-state").textContent = "Waiting for the answer";
    const value = { format: field.format.value, model: field.model.value, text: field.text.value, system: field.system.value };
    Object.assign(value, { stream: field.stream.checked, tools: field.tools.checked, body: field.body.value.trim() });
    Object.assign(value, { key: Number(field.key.value), account: Number(field.account.value) });
    try {
      await translator.lines(value, own.signal, (kind, said) => tell[kind]?.(said));
      at("chat-state").textContent = "Done";
    } catch (problem) {
      at("chat-state").textContent = problem.name === "AbortError" ? "Stopped: the gateway saw its client leave" : "";
      if (problem.name !== "AbortError") {
        translator.fail(at("chat-error"), problem);
        at("cycle").hidden = !at("sent-body").textContent;
      }
    } finally {
      send.disabled = false;
      stop.hidden = true;
    }
  });
  stop.addEventListener("click", () => running?.abort());
});
