/* All images of a report whose images are on other pages, from the data of its index. */

const indexRows = (() => {
  "use strict";

  /** @param {number | null} value A number that JSON has no word for is null. */
  const known = (value) => value ?? NaN;

  /**
   * @param {IndexData} data
   * @returns {ImageRow[]}
   */
  return ({ names, pages, rows }) => {
    let page = -1;
    return rows.map(([file, classes, chances, truth, warnings, measures, thumbnail], at) => {
      const number = at + 1;
      page += pages[page + 1]?.[1] === number ? 1 : 0;
      return {
        ...imageRows.describe(
          file,
          names[truth] ?? "",
          warnings,
          classes.map((place, rank) => [names[place], known(chances[rank])]),
          measures.map(known),
        ),
        number,
        href: `${pages[page][0]}#image-${number}`,
        right: truth < 0 ? null : truth === classes[0],
        thumbnail,
      };
    });
  };
})();
