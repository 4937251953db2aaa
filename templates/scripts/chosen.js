/* A few images side by side. */

const chosenImages = (() => {
  "use strict";

  const MOST = 6;
  const { picture, bar, mark, isolated } = glanceDraw;

  /**
   * @param {ImageRow} row
   * @param {[string, string][]} measures Columns with numbers about maps, and their headings.
   */
  function column(row, measures) {
    const title = make("h3", {}, make("a", { href: row.href }, isolated(`${row.values.file}`)));
    const choices = make("table", "classes");
    const caption = choices.createCaption();
    caption.append(t("First choices"), " ", mark(row));
    const body = choices.createTBody();
    for (const [name, chance] of row.choices) {
      body.append(make(
        "tr",
        {},
        make("th", { scope: "row" }, isolated(name)),
        make("td", "bars", bar(chance)),
        make("td", "number", imageRows.percent(chance)),
      ));
    }
    const numbers = measures.map(([key, heading]) =>
      make("div", {}, make("dt", {}, heading), make("dd", {}, imageRows.written(row, key))));
    if (row.values.truth) {
      numbers.unshift(make("div", {}, make("dt", {}, t("True class")), make("dd", {}, isolated(`${row.values.truth}`))));
    }
    return make("article", {}, title, picture(row), choices, make("dl", "terms", ...numbers));
  }

  /**
   * @param {HTMLElement} place
   * @param {ImageRow[]} rows
   * @param {[string, string][]} measures
   */
  function show(place, rows, measures) {
    const few = rows.length < 2 ? [make("p", "quiet", t("Choose 2 to {most} images in the sheet or in the table.", { most: MOST }))] : [];
    const columns = make("div", { className: "abreast-images", tabIndex: 0, role: "region", ariaLabel: t("Chosen images side by side") });
    columns.append(...rows.map((row) => column(row, measures)));
    place.replaceChildren(...few, ...(rows.length ? [columns] : []));
  }

  return { MOST, show };
})();
