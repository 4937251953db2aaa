/* All images of a report as values to filter and sort by: read from the table on the page, or from
   the data of an index whose images are on other pages. */

/**
 * @typedef {object} ImageRow One image.
 * @property {number} number On the page, from 1 in the whole run.
 * @property {string} href Where its maps are.
 * @property {string} folder With a final slash; empty at the top.
 * @property {boolean | null} right Whether the first choice is the label; null without one.
 * @property {[string, number][]} choices Classes and their probabilities, best first.
 * @property {Record<string, string | number>} values By column; "" and NaN where there is none.
 * @property {string} text Folded, of all names that a search looks at.
 * @property {HTMLTableRowElement} [line] Its row, where the page has one.
 * @property {HTMLElement} [cell] Its place in the contact sheet, where the page has one.
 * @property {Thumbnail} [thumbnail] What to draw it from, where the page has neither.
 */

/**
 * A file with the overlay; or a photo, its place, the view, a map laid over it, and its classes.
 * @typedef {string | [string, number[], number[], string, string]} Thumbnail
 */

/**
 * @typedef {object} IndexData What `data.js` gives; see `reportgen/render/index.py`.
 * @property {string[]} names
 * @property {[string, number][]} pages
 * @property {[string, number[], (number | null)[], number, number, (number | null)[], Thumbnail][]} rows
 */

const imageRows = (() => {
  "use strict";

  const MEASURES = ["area", "x", "y", "border", "agree"];

  /**
   * Fold text so that a search does not depend on case or on composed characters.
   * @param {string} text
   */
  const fold = (text) => text.normalize("NFKC").toLowerCase();

  /**
   * @param {string} file
   * @param {string} truth
   * @param {number} warnings
   * @param {[string, number][]} choices
   * @param {number[]} measures In the order of MEASURES.
   * @returns {Omit<ImageRow, "number" | "href" | "right">}
   */
  function describe(file, truth, warnings, choices, measures) {
    const [first, second] = choices;
    /** @type {ImageRow["values"]} */
    const values = { file, class: first[0], truth, p: first[1], warnings };
    values.lead = second ? first[1] - second[1] : NaN;
    MEASURES.forEach((key, at) => {
      values[key] = measures[at];
    });
    const names = [file, truth, ...choices.map(([name]) => name)];
    const folder = file.slice(0, file.lastIndexOf("/") + 1);
    return { folder, choices, values, text: fold(names.join("\n")) };
  }

  /**
   * @param {HTMLTableElement} table
   * @param {HTMLElement} sheet
   * @returns {ImageRow[]}
   */
  function fromTable(table, sheet) {
    const labelled = table.classList.contains("labelled") ? 1 : 0;
    return [...table.tBodies[0].rows].map((line, at) => {
      /** @param {Element} within */
      const names = (within) => [...within.querySelectorAll("bdi")].map((name) => name.textContent ?? "");
      const { cells } = line;
      const link = /** @type {HTMLAnchorElement} */ (line.querySelector("a"));
      const numbers = (line.dataset.raw ?? "").split(" ").map(Number);
      const chances = numbers.slice(MEASURES.length);
      const classes = [...names(cells[2]), ...names(cells[4 + labelled])];
      const [truth = ""] = labelled ? names(cells[3]) : [];
      return {
        ...describe(
          names(cells[1])[0],
          truth,
          Number(cells[cells.length - 1].textContent) || 0,
          classes.map((name, rank) => [name, chances[rank]]),
          numbers,
        ),
        number: Number(link.hash.slice(7)), // #image-N
        href: link.getAttribute("href") ?? "",
        right: truth ? !cells[3].querySelector(".wrong") : null,
        line,
        cell: /** @type {HTMLElement} */ (sheet.children[at]),
      };
    });
  }

  /**
   * Return the rows in the order of one column, "-" before it for the largest first. What has no
   * value comes last either way.
   * @param {ImageRow[]} rows
   * @param {string} sort
   */
  function sorted(rows, sort) {
    const key = sort.replace("-", "");
    const direction = sort === key ? 1 : -1;
    /** @param {ImageRow} row */
    const missing = ({ values }) => values[key] === "" || Number.isNaN(values[key]);
    const present = rows.filter((row) => !missing(row));
    present.sort(({ values: { [key]: a } }, { values: { [key]: b } }) =>
      direction * (typeof a === "number" ? a - Number(b) : collator.compare(a, String(b))));
    return [...present, ...rows.filter(missing)];
  }

  /** @param {number} value */
  function percent(value) {
    if (value > 0 && value < 5e-4) {
      return "<0.1%";
    }
    return value >= 0.9995 && value < 1 ? ">99.9%" : `${(value * 100).toFixed(1)}%`;
  }

  /**
   * Return what the table shows of a number.
   * @param {ImageRow} row
   * @param {string} key
   */
  function written({ values }, key) {
    const value = Number(values[key]);
    if (Number.isNaN(value) || (key === "warnings" && !value)) {
      return "–";
    }
    if (key === "warnings") {
      return String(value);
    }
    return key === "agree" ? value.toFixed(2).replace("-0.00", "0.00").replace("-", "−") : percent(value);
  }

  return { MEASURES, describe, fold, fromTable, sorted, percent, written };
})();
