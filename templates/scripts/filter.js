/* A box, and where there are labels a choice, above a table whose rows are too many to read. */
(() => {
  "use strict";

  /**
   * Fold text so that a search does not depend on case or on composed characters.
   * @param {string} text
   * @returns {string}
   */
  const fold = (text) => text.normalize("NFKC").toLowerCase();

  /**
   * Return a label around a control and its text, in the order given.
   * @param {...(string | HTMLInputElement)} parts
   * @returns {HTMLLabelElement}
   */
  function labelled(...parts) {
    const label = document.createElement("label");
    label.append(...parts);
    return label;
  }

  /** @returns {HTMLInputElement} */
  function makeBox() {
    const box = document.createElement("input");
    box.type = "search";
    box.autocomplete = "off";
    box.spellcheck = false;
    return box;
  }

  /**
   * Make the choice between all rows, those that are right and those that are wrong.
   * @param {{ verdict: string | undefined }[]} rows
   * @returns {HTMLFieldSetElement}
   */
  function makeChoices(rows) {
    const choices = document.createElement("fieldset");
    choices.className = "choices";
    const legend = document.createElement("legend");
    legend.className = "visually-hidden";
    legend.textContent = "First choices shown";
    choices.append(legend);
    for (const value of ["all", "right", "wrong"]) {
      const number = rows.filter(({ verdict }) => value === "all" || verdict === value).length;
      const input = document.createElement("input");
      input.type = "radio";
      input.name = "verdict";
      input.value = value;
      input.checked = value === "all";
      choices.append(labelled(input, `${value === "all" ? "all" : `${value} only`} (${number})`));
    }
    return choices;
  }

  /**
   * Put the filter above a table; it looks at the cells marked with data-match.
   * @param {HTMLTableElement} table
   */
  function makeFilterable(table) {
    const rows = [...table.tBodies[0].rows].map((row) => {
      const parts = [...row.querySelectorAll("[data-match]")].map((part) => part.textContent.trim());
      return { row, text: fold(parts.join("\n")), verdict: row.dataset.verdict };
    });
    const box = makeBox();
    const choices = rows.some(({ verdict }) => verdict) ? makeChoices(rows) : null;
    const shown = document.createElement("output");

    const update = () => {
      const wanted = fold(box.value.trim());
      const chosen = choices?.querySelector("input:checked")?.value ?? "all";
      for (const { row, text, verdict } of rows) {
        row.hidden = !text.includes(wanted) || (chosen !== "all" && verdict !== chosen);
      }
      const visible = rows.filter(({ row }) => !row.hidden).length;
      shown.textContent = `${visible} of ${rows.length} shown`;
    };
    // Browsers restore the state of controls after a reload.
    window.addEventListener("pageshow", update);

    const controls = document.createElement("div");
    controls.className = "controls";
    controls.append(labelled("Filter by file or class ", box), ...(choices ? [choices] : []), shown);
    controls.addEventListener("input", update);
    table.before(controls);
    update();
  }

  for (const table of document.querySelectorAll("table[data-filterable]")) {
    makeFilterable(table);
  }
})();
