/*
 * Sorting and copying. The page is complete without scripts: every control that needs one is
 * created by it, and text from the report only ever passes through textContent.
 */
(() => {
  "use strict";

  /**
   * Compare two rows by one column. Numbers that are not finite come last in either direction.
   * @param {HTMLTableRowElement} a
   * @param {HTMLTableRowElement} b
   * @param {number} column
   * @param {boolean} numeric
   * @param {1 | -1} direction
   * @returns {number}
   */
  function compareRows(a, b, column, numeric, direction) {
    const [left, right] = [a.cells[column], b.cells[column]];
    if (!numeric) {
      return direction * collator.compare(left.innerText, right.innerText);
    }
    const [x, y] = [left, right].map(({ dataset }) => parseFloat(dataset.value ?? ""));
    if (Number.isNaN(x) || Number.isNaN(y)) {
      return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
    }
    return direction * (x - y);
  }

  /**
   * Turn the sortable headings of a table into buttons.
   * @param {HTMLTableElement} table
   */
  function makeSortable(table) {
    const headings = [...table.tHead?.rows[0].cells ?? []];
    for (const heading of headings.filter((cell) => cell.dataset.sort)) {
      const numeric = heading.dataset.sort === "number";
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const before = heading.getAttribute("aria-sort");
        // The first click on a number shows the largest first, on text the start of the alphabet.
        const descending = before ? before === "ascending" : numeric;
        for (const other of headings) {
          other.removeAttribute("aria-sort");
        }
        heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
        const rows = [...table.tBodies[0].rows];
        const direction = descending ? -1 : 1;
        rows.sort((a, b) => compareRows(a, b, heading.cellIndex, numeric, direction));
        table.tBodies[0].append(...rows);
      });
    }
  }

  /**
   * Put a button after a block that copies its text.
   * @param {HTMLElement} block
   */
  function makeCopyable(block) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = t("Copy");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(block.textContent?.trim() ?? "");
        button.textContent = t("Copied");
      } catch {
        // Some browsers refuse the clipboard to a page from disk: select, the reader copies.
        window.getSelection()?.selectAllChildren(block);
        button.textContent = t("Selected");
      }
    });
    block.after(button);
  }

  for (const table of document.querySelectorAll("table[data-sortable]")) {
    makeSortable(/** @type {HTMLTableElement} */ (table));
  }
  for (const block of document.querySelectorAll("[data-copy]")) {
    makeCopyable(/** @type {HTMLElement} */ (block));
  }
})();
