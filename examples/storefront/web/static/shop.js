// Comforts on top of pages that work without any of this: suggestions while typing,
// filters that apply at once, a running countdown, live stock and progress.
"use strict";

document.documentElement.classList.add("scripted");

// Suggestions: the ARIA combobox pattern with a listbox.
for (const input of document.querySelectorAll("[data-suggest]")) {
  const list = document.createElement("ul");
  list.className = "suggestions";
  list.id = "suggestions";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", input.labels[0].textContent);
  input.form.append(list);
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");

  let selected = -1, timer = 0, request = null, typed = "";
  const close = () => {
    list.hidden = true;
    selected = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const select = (index) => {
    const options = [...list.children];
    selected = (index + options.length + 1) % (options.length + 1); // one past the end: what was typed
    options.forEach((option, i) => option.setAttribute("aria-selected", String(i === selected)));
    const option = options[selected];
    input.value = option ? option.textContent : typed;
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
  };
  const show = (texts) => {
    list.replaceChildren(...texts.map((text, i) => {
      const option = document.createElement("li");
      option.id = "suggestion-" + i;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.textContent = text;
      option.addEventListener("pointerdown", (event) => {
        event.preventDefault(); // keeps the focus in the field
        input.value = text;
        input.form.requestSubmit();
      });
      return option;
    }));
    selected = -1;
    list.hidden = texts.length === 0;
    input.setAttribute("aria-expanded", String(texts.length > 0));
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    request?.abort();
    typed = input.value;
    if (typed.trim() === "") return close();
    timer = setTimeout(async () => {
      request = new AbortController();
      try {
        const answer = await fetch(input.dataset.suggest + "?q=" + encodeURIComponent(typed), { signal: request.signal });
        if (answer.ok && document.activeElement === input) show((await answer.json()).suggestions);
      } catch { close(); } // offline or overtaken by the next key: no suggestions
    }, 120);
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || list.hidden) return;
    if (event.key === "ArrowDown") { event.preventDefault(); select(selected + 1); }
    if (event.key === "ArrowUp") { event.preventDefault(); select(selected < 0 ? list.children.length - 1 : selected - 1); }
    if (event.key === "Escape") { event.preventDefault(); input.value = typed; close(); }
  });
  input.addEventListener("blur", close);
}

// Filters apply when they change.
for (const form of document.querySelectorAll("[data-autosubmit]")) {
  form.addEventListener("change", () => form.requestSubmit());
}

// The countdown of a hold. At the end the page says what became of the order.
for (const clock of document.querySelectorAll("[data-countdown]")) {
  const until = Number(clock.dataset.countdown);
  const tick = () => {
    const left = Math.max(0, Math.ceil((until - Date.now()) / 1000));
    clock.textContent = Math.floor(left / 60) + ":" + String(left % 60).padStart(2, "0");
    if (left === 0) { clearInterval(timer); setTimeout(() => location.reload(), 1500); }
  };
  const timer = setInterval(tick, 1000);
  tick();
}

// Polls while the page is seen, and never twice at once.
const poll = (url, every, use) => {
  const ask = async () => {
    if (!document.hidden) {
      try {
        const answer = await fetch(url);
        if (answer.ok && use(await answer.json()) === false) return;
      } catch { /* the next poll may reach the shop again */ }
    }
    setTimeout(ask, every);
  };
  setTimeout(ask, every);
};

for (const stock of document.querySelectorAll("[data-stock]")) {
  poll(stock.dataset.stock, 4000, (level) => {
    if (stock.textContent !== level.text) stock.textContent = level.text;
    stock.className = "availability " + level.class;
    const buy = document.getElementById("buy");
    if (buy) buy.disabled = level.out;
  });
}

for (const box of document.querySelectorAll("[data-progress]")) {
  poll(box.dataset.progress, 400, (progress) => {
    if (!progress.running) { location.reload(); return false; }
    const bar = document.getElementById("reindex-bar");
    bar.max = progress.total || 1;
    bar.value = progress.done;
    document.getElementById("reindex-text").textContent = progress.done + " / " + progress.total;
  });
}
