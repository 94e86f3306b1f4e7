/* The account form: choosing a provider shows what it is and suggests the rest. Without this the form works as well. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const data = document.getElementById("account-defaults");
  const provider = document.getElementById("id_provider");
  if (!data || !provider) return;

  const defaults = JSON.parse(data.textContent);
  const field = (name) => document.getElementById(`id_${name}`);
  const row = (name) => field(name)?.closest(".field-line, .form-row, .field-row") ?? rowOf(field(name));
  const isNew = /\/add\/$/.test(location.pathname);
  const card = document.createElement("div");
  card.className = "or-provider-card";
  provider.closest("div").after(card);

  let suggestedName = isNew && field("name")?.value === defaults[provider.value]?.accountName ? field("name").value : "";
  let suggestedPriority = field("priority")?.value;

  /* The row of a field is the nearest ancestor that holds its label. */
  function rowOf(input) {
    let node = input?.parentElement;
    while (node && !node.querySelector(`label[for="${input.id}"]`)) node = node.parentElement;
    return node;
  }

  function element(tag, className, text) {
    const node = document.createElement(tag);
    node.className = className;
    node.textContent = text;
    return node;
  }

  function showCard(spec) {
    card.replaceChildren();
    card.hidden = !spec;
    if (!spec) return;
    const head = element("div", "or-provider-card-head", "");
    head.append(element("code", "", `${spec.prefix}/`), element("span", "or-pill", spec.tier));
    if (spec.costNote) head.append(element("span", "", spec.costNote));
    if (spec.signupUrl) {
      const link = element("a", "or-link", "Get a key");
      Object.assign(link, { href: spec.signupUrl, target: "_blank", rel: "noopener noreferrer" });
      head.append(link);
    }
    card.append(head);
    if (spec.statusNote) card.append(element("p", "or-warn", spec.statusNote));
    if (spec.models.length) {
      const more = spec.models.length > 6 ? ` and ${spec.models.length - 6} more` : "";
      card.append(element("p", "", `Models: ${spec.models.slice(0, 6).join(", ")}${more}`));
    }
  }

  function offer(name, values) {
    const select = field(name);
    if (!select) return;
    for (const option of select.options) option.hidden = option.disabled = option.value !== "" && !values.includes(option.value);
    if (select.value && !values.includes(select.value)) select.value = "";
    const line = row(name);
    if (line) line.hidden = values.length === 0;
  }

  function address(spec) {
    const fits = (wanted, offered) => !wanted || !offered || wanted === offered;
    const match = spec.endpoints.find(
      (e) => fits(field("variant")?.value, e.variant) && fits(field("region")?.value, e.region),
    );
    return match?.url ?? "";
  }

  function update() {
    const spec = defaults[provider.value];
    showCard(spec);
    offer("variant", spec?.variants ?? []);
    offer("region", spec?.regions ?? []);
    if (field("base_url")) field("base_url").placeholder = spec ? address(spec) : "";
    if (field("api_key")) field("api_key").placeholder = spec?.keyHint || (spec && !spec.needsKey ? "Not needed" : "");
    if (!isNew || !spec) return;
    const name = field("name");
    if (name && (!name.value || name.value === suggestedName)) name.value = suggestedName = spec.accountName;
    const priority = field("priority");
    if (priority && priority.value === suggestedPriority) priority.value = suggestedPriority = String(spec.priority);
  }

  for (const name of ["provider", "variant", "region"]) field(name)?.addEventListener("change", update);
  update();
});
