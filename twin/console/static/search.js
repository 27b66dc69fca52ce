// The search box at the top: `/` goes there, arrows choose, Enter opens, Escape leaves. Answers come from the API.
(() => {
  let asked = 0, chosen = -1, timer = 0;
  const box = () => document.getElementById("search");
  const list = () => document.getElementById("found");
  const options = () => [...list().querySelectorAll("a")];

  const show = (open) => {
    list().classList.toggle("hidden", !open);
    box().setAttribute("aria-expanded", String(open));
    if (!open) choose(-1);
  };
  const choose = (number) => {
    chosen = number;
    options().forEach((option, index) => option.setAttribute("aria-selected", String(index === number)));
    if (number >= 0) {
      box().setAttribute("aria-activedescendant", options()[number].id);
      options()[number].scrollIntoView({ block: "nearest" });
    } else box().removeAttribute("aria-activedescendant");
  };
  const part = (name, text) => {
    const span = document.createElement("span");
    span.className = name;
    span.textContent = text;
    return span;
  };
  const fill = (found, words) => {
    list().replaceChildren(...found.map((one, index) => {
      const option = document.createElement("a");
      option.href = one.page;
      option.id = "found-" + index;
      option.tabIndex = -1;
      option.setAttribute("role", "option");
      option.append(part("what", one.what), part("name", one.name), part("beside", one.beside));
      return option;
    }));
    if (!found.length) {
      const nothing = part("nothing", `Nothing is called “${words}”: try a home, a device, an endpoint or a kind.`);
      nothing.setAttribute("role", "option");
      nothing.setAttribute("aria-disabled", "true");
      list().append(nothing);
    }
    show(true);
    choose(found.length ? 0 : -1);
  };
  const ask = async () => {
    const words = box().value.trim(), number = ++asked;
    if (!words) return show(false);
    try {
      const answer = await fetch("/api/v1/search?q=" + encodeURIComponent(words.slice(0, 100)));
      if (number === asked && answer.ok) fill(await answer.json(), words);
    } catch { show(false); } // the twin is away; the page says so itself
  };

  document.addEventListener("input", (event) => {
    if (event.target.id !== "search") return;
    clearTimeout(timer);
    timer = setTimeout(ask, 80);
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && box() && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      box().focus();
      box().select();
      return;
    }
    if (event.target.id !== "search") return;
    const count = options().length;
    if (event.key === "Escape") { box().value = ""; show(false); box().blur(); }
    else if (event.key === "Enter" && chosen >= 0) options()[chosen].click();
    else if (event.key === "ArrowDown" && count) choose((chosen + 1) % count);
    else if (event.key === "ArrowUp" && count) choose((chosen + count - 1) % count);
    else return;
    event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    if (!box()) return;
    if (event.target.closest("#found a")) { box().value = ""; show(false); box().blur(); }
    else if (!event.target.closest(".search")) show(false);
  });
})();
