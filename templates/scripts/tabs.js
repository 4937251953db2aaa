/* The targets of an image as tabs, or all at once. */
(() => {
  "use strict";

  /** @type {Map<Element, () => void>} */
  const ways = new Map();

  /**
   * Put tabs before the targets of an image that has several.
   * @param {Element} article
   */
  function makeTabs(article) {
    const panels = /** @type {HTMLElement[]} */ ([...article.querySelectorAll(":scope > .target")]);
    if (panels.length < 2) {
      return;
    }
    const list = make("div", { className: "tabs", role: "tablist", ariaLabel: t("Targets") });
    const names = [...panels.map((panel) => panel.dataset.target ?? ""), t("All")];
    const tabs = names.map((name, place) => {
      const tab = makeButton(name, () => select(place), { id: `${article.id}-tab-${place + 1}`, dir: "auto", role: "tab" });
      const shown = place < panels.length ? [panels[place]] : panels;
      tab.setAttribute("aria-controls", shown.map(({ id }) => id).join(" "));
      return tab;
    });
    list.append(...tabs);

    /** @param {number} chosen */
    function select(chosen) {
      tabs.forEach((tab, place) => {
        Object.assign(tab, { ariaSelected: String(place === chosen), tabIndex: place === chosen ? 0 : -1 });
      });
      panels.forEach((panel, place) => {
        if (place === chosen || chosen === panels.length) {
          panel.removeAttribute("hidden");
        } else {
          panel.setAttribute("hidden", "until-found");
        }
      });
    }

    list.addEventListener("keydown", (event) => {
      const now = tabs.findIndex((tab) => tab === document.activeElement);
      /** @type {Record<string, number>} */
      const steps = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: tabs.length - 1 };
      if (Object.hasOwn(steps, event.key) && !isHeld(event)) {
        event.preventDefault();
        const next = (steps[event.key] + tabs.length) % tabs.length;
        select(next);
        tabs[next].focus();
      }
    });
    panels.forEach((panel, place) => {
      panel.role = "tabpanel";
      panel.setAttribute("aria-labelledby", tabs[place].id);
      panel.addEventListener("beforematch", () => select(place));
      ways.set(panel, () => select(place));
    });
    panels[0].before(list);
    select(panels.length > 2 ? 0 : panels.length);
  }

  /** Show the target that the address names, or that has what it names. */
  function follow() {
    const named = document.getElementById(location.hash.slice(1));
    const hidden = named?.closest(".target[hidden]");
    if (named && hidden) {
      ways.get(hidden)?.();
      named.scrollIntoView();
    }
  }

  for (const article of document.querySelectorAll("article.image")) {
    makeTabs(article);
  }
  window.addEventListener("hashchange", follow);
  follow();
})();
