/* The controls above the contact sheet and the table: search, sort order, and what to show. */

const glanceFacets = (() => {
  "use strict";

  const MOST = 100; // choices of one list; rarer ones are found by the search

  /**
   * Return whether an image is to be shown.
   * @param {GlanceState} state
   * @returns {(row: ImageRow) => boolean}
   */
  function matcher(state) {
    const wanted = imageRows.fold(state.q.trim());
    const [from, to] = state.p.split("-").map(parseFloat);
    return ({ text, values, right, folder }) =>
      text.includes(wanted)
      && (!state.class || values.class === state.class)
      && (!state.truth || values.truth === state.truth)
      && (!state.folder || (folder || "./") === state.folder)
      && (!state.right || right === (state.right === "right"))
      && (!state.warning || !values.warnings === (state.warning !== "yes"))
      && !(Number(values.p) * 100 < from)
      && !(Number(values.p) * 100 > to);
  }

  /**
   * Count what is in a column, most frequent first.
   * @param {ImageRow[]} rows
   * @param {(row: ImageRow) => string} value
   * @returns {[string, number][]}
   */
  function counts(rows, value) {
    /** @type {Map<string, number>} */
    const found = new Map();
    rows.forEach((row) => found.set(value(row), (found.get(value(row)) ?? 0) + 1));
    found.delete("");
    return [...found].sort((a, b) => b[1] - a[1]);
  }

  /**
   * @param {string} name Of the state.
   * @param {string} label
   * @param {string} all What the first choice says, which chooses nothing.
   * @param {[string, string][]} choices Values, and what they are called.
   */
  function select(name, label, all, choices) {
    const list = make("select", { name, autocomplete: "off" }, make("option", { value: "" }, all));
    list.append(...choices.slice(0, MOST).map(([value, text]) => make("option", { value }, text)));
    if (choices.length > MOST) {
      list.append(make("option", { disabled: true }, t("{n} more: use the search", { n: choices.length - MOST })));
    }
    return make("label", {}, `${label} `, list);
  }

  /**
   * @param {string} name
   * @param {string} label
   * @param {[string, number][]} found
   */
  const facet = (name, label, found) => (found.length < 2
    ? []
    : [select(name, label, t("all"), found.map(([value, n]) => [value, `${value} (${n})`]))]);

  /**
   * Make all controls that these images call for.
   * @param {ImageRow[]} rows
   * @param {[string, string][]} columns Keys and headings.
   */
  function build(rows, columns) {
    const search = make("input", { type: "search", name: "q", autocomplete: "off", spellcheck: false });
    /** @type {[string, string][]} */
    const orders = columns.map(([key, heading]) => [typeof rows[0].values[key] === "number" ? `-${key}` : key, heading]);
    const warned = rows.filter(({ values }) => values.warnings).length;
    const right = rows.filter((row) => row.right).length;
    const wrong = rows.filter((row) => row.right === false).length;
    /** @param {string} name @param {string} label */
    const limit = (name, label) =>
      make("input", { type: "number", name, min: "0", max: "100", step: "any", ariaLabel: label, autocomplete: "off" });
    const facets = [
      ...facet("class", t("First choice"), counts(rows, ({ values }) => `${values.class}`)),
      ...facet("truth", t("True class"), counts(rows, ({ values }) => `${values.truth}`)),
      ...(right + wrong ? [select("right", t("Label"), t("all"), [["right", t("right ({n})", { n: right })], ["wrong", t("wrong ({n})", { n: wrong })]])] : []),
      ...(warned && warned < rows.length ? [select("warning", t("Warnings"), t("all"), [["yes", t("with ({n})", { n: warned })], ["no", t("without ({n})", { n: rows.length - warned })]])] : []),
      ...facet("folder", t("Folder"), counts(rows, ({ folder }) => folder || "./")),
      make("span", { className: "range", role: "group", ariaLabel: t("Probability of the first choice, percent") }, t("Probability"), " ", limit("from", t("from, percent")), " – ", limit("to", t("to, percent")), " %"),
    ];
    const more = make("details", { className: "facets", open: matchMedia("(width >= 56rem)").matches }, make("summary", {}, t("Filters")), make("div", {}, ...facets));
    return [
      make("label", {}, `${t("Filter by file or class")} `, search),
      select("sort", t("Sort by"), t("order in the folder"), orders),
      more,
    ];
  }

  return { matcher, build };
})();
