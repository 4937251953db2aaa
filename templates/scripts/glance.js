/* The views of all images: sheet, table, a few side by side; which are shown, and in which order. */

/**
 * @typedef {object} Surface What shows images.
 * @property {(rows: ImageRow[]) => void} show In this order, and no others.
 */

(() => {
  "use strict";

  const { pick } = glanceDraw;
  const glance = /** @type {HTMLElement} */ (document.getElementById("glance"));
  if (!glance) {
    return; // a report in which nothing could be done
  }
  const sheet = /** @type {HTMLElement} */ (glance.querySelector(".sheet"));
  const table = /** @type {HTMLTableElement} */ (glance.querySelector("table.predictions"));
  const { reportgenIndex: data } = /** @type {{ reportgenIndex?: IndexData }} */ (window);
  const all = data ? indexRows(data) : imageRows.fromTable(table, sheet);
  if (!all.length) {
    return;
  }
  const headings = [...table.tHead?.rows[0].cells ?? []].filter(({ dataset }) => dataset.key);
  /** @type {[string, string][]} */
  const columns = headings.map(({ dataset, textContent }) => [dataset.key ?? "", textContent ?? ""]);
  const compared = columns.filter(([key]) => imageRows.MEASURES.includes(key) || key === "warnings");

  let state = glanceState.empty();
  let ordered = all;
  let shown = all;
  /** @type {Set<number>} */
  const chosen = new Set();

  // -- what shows them ------------------------------------------------------------------------

  /**
   * Give an element the box that chooses its image.
   * @template {HTMLElement} E
   * @param {E} element
   * @param {ImageRow} row
   */
  function pickable(element, row) {
    const label = pick(row);
    /** @type {HTMLInputElement} */ (label.firstChild).checked = chosen.has(row.number);
    (element.querySelector(".thumb") ?? element).prepend(label);
    return element;
  }

  /**
   * Show elements that the page has by moving and hiding them.
   * @param {HTMLElement} list
   * @param {"line" | "cell"} part
   * @returns {Surface}
   */
  function fixed(list, part) {
    /** @param {ImageRow} row */
    const element = (row) => /** @type {HTMLElement} */ (row[part]);
    return {
      show(rows) {
        const wanted = new Set(rows);
        for (const row of all) {
          element(row).hidden = !wanted.has(row);
        }
        const shown = rows.map(element);
        const before = [...list.children].filter((child) => !(/** @type {HTMLElement} */ (child).hidden));
        if (shown.some((child, at) => child !== before[at])) {
          list.append(...shown);
        }
      },
    };
  }

  /** @returns {Surface[]} */
  function makeSurfaces() {
    if (!data) {
      all.forEach((row) => [row.line, row.cell].forEach((element) => element && pickable(element, row)));
      return [fixed(sheet, "cell"), fixed(table.tBodies[0], "line")];
    }
    glance.classList.add("windowed");
    return indexParts.surfaces(sheet, table, pickable);
  }

  // -- what chooses them ----------------------------------------------------------------------

  const tools = make("div", "tools");
  const views = make("div", { className: "views", role: "group", ariaLabel: t("View") });
  const place = make("div", "chosen");
  const count = make("output", {});
  const reset = makeButton(t("Reset"), () => {
    change({ ...glanceState.empty(), view: state.view, chosen: state.chosen });
    named("q")[0].focus();
  });
  const clear = makeButton(t("Choose none"), () => change({ chosen: "" }));
  const status = make("p", "shown", count, " ", reset, " ", clear);
  const buttons = new Map([["sheet", t("Sheet")], ["table", t("Table")], ["compare", t("Compare")]].map(
    ([view, text]) => [view, makeButton(text, () => change({ view }))]));

  /** @param {string} name @returns {NodeListOf<HTMLInputElement | HTMLSelectElement>} */
  const named = (name) => glance.querySelectorAll(`[name="${name}"]`);

  /** Let every control say what the state says. */
  function reflect() {
    const [from = "", to = ""] = state.p.split("-");
    for (const [name, value] of Object.entries({ ...state, from, to })) {
      for (const control of name === "chosen" ? [] : named(name)) {
        if ("options" in control && ![...control.options].some((option) => option.value === value)) {
          const heading = columns.find(([key]) => value === key || value === `-${key}`)?.[1];
          control.add(make("option", { value }, heading ? `${heading} ${value.startsWith("-") ? "↓" : "↑"}` : value));
        }
        control.value = value;
      }
    }
    for (const box of named("chosen")) {
      /** @type {HTMLInputElement} */ (box).checked = chosen.has(Number(box.value));
    }
    for (const heading of headings) {
      const { key } = heading.dataset;
      heading.ariaSort = state.sort === key ? "ascending" : state.sort === `-${key}` ? "descending" : null;
    }
    for (const [name, button] of buttons) {
      button.ariaPressed = `${name === state.view}`;
    }
    const compare = /** @type {HTMLButtonElement} */ (buttons.get("compare"));
    compare.textContent = chosen.size ? t("Compare ({n})", { n: chosen.size }) : t("Compare");
    clear.hidden = !chosen.size;
  }

  /** Show what the state asks for. */
  function draw() {
    shown = ordered.filter(glanceFacets.matcher(state));
    glance.dataset.view = state.view;
    count.textContent = t("{n} of {total} shown", { n: shown.length, total: all.length });
    status.classList.toggle("filtered", shown.length < all.length);
    table.ariaRowCount = data ? `${shown.length + 1}` : null;
    surfaces.forEach((surface) => surface.show(shown));
    reset.hidden = shown === all || !Object.entries(state).some(([name, value]) => value && name !== "view" && name !== "chosen");
    compare();
  }

  function compare() {
    const rows = all.filter(({ number }) => chosen.has(number));
    chosenImages.show(place, state.view === "compare" ? rows : [], compared);
    place.hidden = state.view !== "compare";
  }

  /**
   * Change some of the state, and what follows from it.
   * @param {GlanceState} changes
   * @param {boolean} [remember] In the address too.
   */
  function change(changes, remember = true) {
    const before = state;
    state = { ...state, ...changes };
    state.view = buttons.has(state.view) ? state.view : "sheet";
    state.p = /^[\d.]*-[\d.]*$/.test(state.p) ? state.p : "";
    if (state.sort !== before.sort) {
      const known = columns.some(([key]) => key === state.sort.replace("-", ""));
      state.sort = known ? state.sort : "";
      ordered = known ? imageRows.sorted(all, state.sort) : all;
    }
    chosen.clear();
    state.chosen.split(",").slice(0, chosenImages.MOST).map(Number).filter((number) => number > 0).forEach((number) => chosen.add(number));
    if (Object.keys(changes).every((name) => name === "chosen")) {
      compare();
    } else {
      draw();
    }
    reflect();
    if (remember) {
      const { view, ...rest } = state;
      glanceState.write(view === "sheet" && !Object.values(rest).some(Boolean) ? glanceState.empty() : state);
    }
  }

  /** @param {Event} event */
  function input({ target }) {
    const control = /** @type {HTMLInputElement} */ (target);
    const { name, value } = control;
    if (name === "chosen") {
      const wanted = new Set(chosen);
      if (!control.checked) {
        wanted.delete(Number(value));
      } else if (wanted.size < chosenImages.MOST) {
        wanted.add(Number(value));
      } else {
        count.textContent = t("{most} images at most can be compared.", { most: chosenImages.MOST });
      }
      change({ chosen: [...wanted].join(",") });
    } else if (name === "from" || name === "to") {
      const [from, to] = ["from", "to"].map((limit) => named(limit)[0].value);
      change({ p: from || to ? `${from}-${to}` : "" });
    } else {
      change({ [name]: value });
    }
  }

  /** Show what the address asks for, and bring it into sight. */
  function follow() {
    const asked = glanceState.read();
    if (asked) {
      change(asked, false);
      (glance.closest("section") ?? glance).scrollIntoView();
    }
  }

  // -- the controls ---------------------------------------------------------------------------

  views.append(...buttons.values());
  tools.append(views, ...glanceFacets.build(all, columns));
  glance.prepend(tools, status, place);
  document.querySelector(".unfilled")?.remove();
  glance.hidden = false;
  for (const heading of headings) {
    const key = heading.dataset.key ?? "";
    table.style.setProperty(`--${key}`, JSON.stringify(heading.textContent));
    const button = makeButton("", () => {
      // The first click on a number shows the largest first, on text the start of the alphabet.
      const first = typeof all[0].values[key] === "number" ? `-${key}` : key;
      change({ sort: state.sort === first ? (first === key ? `-${key}` : key) : first });
    });
    button.append(...heading.childNodes);
    heading.append(button);
  }
  const surfaces = makeSurfaces();
  glance.addEventListener("input", input);
  window.addEventListener("hashchange", follow);
  // Browsers put back what a reader typed before a reload; the address says what is shown.
  window.addEventListener("pageshow", reflect);
  for (const link of document.querySelectorAll("a[data-state]")) {
    const fragment = `#${link.getAttribute("data-state")}`;
    link.setAttribute("href", fragment);
    link.addEventListener("click", () => {
      if (location.hash === fragment) {
        follow();
      }
    });
  }
  change({ view: "sheet" }, false);
  follow();
})();
