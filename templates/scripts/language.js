/* Texts of the scripts in the report's language; runs before all others. */

/**
 * Return a text in the report's language, with its placeholders filled in.
 *
 * The text is given in English, with placeholders such as {total}; the page has its number instead,
 * and most values without their names, in the order of placeholders that are numbers.
 * @type {(text: string, values?: Readonly<Record<string, string | number>>) => string}
 */
const t = (() => {
  "use strict";

  /** @type {Record<string, string>} */
  const messages = JSON.parse(document.getElementById("messages")?.textContent || "{}");
  return (text, ...values) => {
    /** @type {Record<string, unknown>} */
    const given = { ...values[0], ...values };
    return (messages[text] ?? text)
      .replace(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(given, name) ? String(given[name]) : whole));
  };
})();

/** How names and texts are put in order: 9 before 10. */
const collator = new Intl.Collator(document.documentElement.lang, { numeric: true });
