// Runs before Gradio's own script: the visitor's language and colours hold for both.
(() => {
  const root = document.documentElement;
  const YEAR = 31536000;
  const keep = (name, value) => {
    document.cookie = `${name}=${value}; path=/; max-age=${YEAR}; samesite=lax`;
  };

  // Gradio chooses its strings by the browser's language; the server has decided on one of two.
  const own = navigator.language || "";
  if (!own.toLowerCase().startsWith(root.lang.slice(0, 2))) {
    Object.defineProperty(navigator, "language", { get: () => root.lang });
    Object.defineProperty(navigator, "languages", { get: () => [root.lang] });
  }

  // Gradio goes by the system's scheme and follows its changes: it is told the chosen one instead.
  const DARK = "(prefers-color-scheme: dark)";
  const ask = window.matchMedia.bind(window);
  const system = ask(DARK);
  const asked = new URL(location.href).searchParams.get("__theme");
  const told = new EventTarget();
  const isDark = () => {
    const chosen = root.dataset.choice;
    return chosen === "auto" ? system.matches : chosen === "dark";
  };
  if (asked === "dark" || asked === "light") root.dataset.choice = asked;
  const paint = () => {
    root.dataset.theme = isDark() ? "dark" : "light";
    told.dispatchEvent(new Event("change"));
  };
  Object.defineProperty(told, "matches", { get: isDark });
  told.media = DARK;
  window.matchMedia = (query) => (query.replace(/\s/g, "") === DARK.replace(/\s/g, "") ? told : ask(query));
  system.addEventListener("change", paint);
  paint();

  const chooseTheme = (choice) => {
    keep("theme", choice);
    root.dataset.choice = choice;
    paint();
    for (const button of document.querySelectorAll("#head [data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
    }
  };
  const chooseLanguage = (language) => {
    keep("language", language);
    const url = new URL(location.href);
    url.searchParams.delete("__theme");
    location.assign(url);
  };

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const button = target && target.closest("[data-language], [data-theme-choice], [data-seen]");
    if (button?.dataset.language) chooseLanguage(button.dataset.language);
    else if (button?.dataset.themeChoice) chooseTheme(button.dataset.themeChoice);
    else if (button?.dataset.seen) {
      keep(button.dataset.seen, "seen");
      document.querySelector("#notices .hello")?.remove();
    }
    const open = document.querySelector("#head details[open]");
    if (open && !(target && open.contains(target))) open.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" && document.querySelector("#head details[open]");
    if (open) {
      open.open = false;
      open.querySelector("summary").focus();
    }
  });

  // The states in the head: asked each second until all is ready, then now and then while the page
  // is looked at.
  const SOON = 1000, LATER = 20000;
  const AWAY = /Connection to the server was lost/, FAILED = /Connection errored out|Failed to fetch/;
  const BROKEN = "upload-broken"; // noted for the page that comes once the server is back
  const NOTICES = "#notices .states-notices";
  let timer = 0;
  const shown = {};
  const show = (selector, html) => {
    const place = document.querySelector(selector);
    // Drawn again only where it changed: a message would be read out each time.
    if (place && shown[selector] !== html) place.innerHTML = shown[selector] = html;
  };
  const banner = (words, link) => {
    const place = document.querySelector(NOTICES);
    if (!place) return;
    const row = document.createElement("div");
    row.className = "banner";
    row.setAttribute("role", "alert");
    row.textContent = words;
    if (link) {
      const anchor = document.createElement("a");
      anchor.href = link.href;
      anchor.textContent = link.text;
      row.append(" ", anchor);
    }
    place.replaceChildren(row);
    shown[NOTICES] = null;
  };
  const refresh = async () => {
    clearTimeout(timer);
    if (document.hidden) return;
    const words = document.getElementById("head").dataset;
    let pause = SOON * 3;
    try {
      const answer = await fetch("/head", { headers: { accept: "application/json" } });
      if (answer.status === 401) {
        const next = encodeURIComponent(location.pathname + location.search);
        banner(words.ended, { href: `/login?next=${next}`, text: words.login });
        pause = LATER;
      } else if (answer.ok) {
        const states = await answer.json();
        show("#head .states", states.states);
        show(NOTICES, states.notices);
        pause = states.ready ? LATER : SOON;
      }
    } catch {
      banner(words.away);
    }
    timer = setTimeout(refresh, pause);
  };
  // Gradio shows a click that is refused as a bare fault: the head says at once what it is.
  const send = window.fetch.bind(window);
  window.fetch = async (...asked) => {
    const place = new URL(asked[0]?.url ?? asked[0], location.href).pathname;
    const isUpload = place.endsWith("/upload");
    const answer = await send(...asked).catch((fault) => {
      if (isUpload) sessionStorage.setItem(BROKEN, "yes");
      if (fault.name !== "AbortError" && place !== "/head") refresh();
      throw fault;
    });
    if (isUpload) sessionStorage.removeItem(BROKEN);
    if (answer.status === 401 && place !== "/head") refresh();
    return answer;
  };
  document.addEventListener("visibilitychange", refresh);
  for (const change of ["offline", "online"]) window.addEventListener(change, () => refresh());
  // What Gradio draws that a screen reader can't tell: a list whose children are buttons, and
  // buttons inside another one, some without a name.
  const mend = () => {
    for (const list of document.querySelectorAll(".examples[role=list]")) list.setAttribute("role", "group");
    for (const title of document.querySelectorAll(".thought-group .title")) {
      const inner = title.querySelector("button");
      const name = title.textContent.trim();
      if (!inner || inner.ariaLabel === name) continue;
      inner.ariaLabel = name;
      title.removeAttribute("role");
      title.removeAttribute("tabindex");
    }
    // Gradio says these in English only.
    const words = document.getElementById("head")?.dataset ?? {};
    for (const { firstChild: title } of document.querySelectorAll(".toast-title")) {
      if (title && /^(Error|Warning|Info|Success)/.test(title.nodeValue)) title.nodeValue = `${words.app} `;
    }
    for (const said of document.querySelectorAll(".toast-body.error .toast-message-text")) {
      const isAway = AWAY.test(said.textContent);
      if (!isAway && !FAILED.test(said.textContent)) continue;
      said.textContent = isAway ? words.away : words.failed;
      if (isAway && isUploading()) sessionStorage.setItem(BROKEN, "yes");
      refresh();
    }
    for (const head of document.querySelectorAll(".toast-header[role=button]")) {
      head.removeAttribute("role");
      head.removeAttribute("tabindex");
    }
    // What scrolls has to be reached from the keyboard.
    for (const box of document.querySelectorAll(".sources blockquote, .prose pre, .scrolls")) {
      if (box.scrollHeight > box.clientHeight + 1 || box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
    }
  };
  // Files that were chosen are taken away once they are in the library.
  const isUploading = () => {
    const box = document.getElementById("upload");
    return Boolean(box) && !box.querySelector("input[type=file]");
  };
  const tellBroken = () => {
    if (!sessionStorage.getItem(BROKEN)) return;
    sessionStorage.removeItem(BROKEN);
    const row = document.createElement("div");
    row.className = "banner";
    row.setAttribute("role", "alert");
    row.textContent = document.getElementById("head").dataset.broken;
    document.getElementById("notices").append(row);
  };
  let mending = 0;
  const mendSoon = () => {
    mending ||= setTimeout(() => {
      mending = 0;
      mend();
    }, 150);
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.addEventListener("toggle", mendSoon, true);
    new MutationObserver(mendSoon).observe(document.body, { childList: true, subtree: true });
    const head = document.getElementById("head");
    if (!head) return;
    const measure = () => root.style.setProperty("--head", `${head.offsetHeight}px`);
    new ResizeObserver(measure).observe(head);
    measure();
    tellBroken();
    timer = setTimeout(refresh, head.dataset.ready === "true" ? LATER : SOON);
  });
})();
