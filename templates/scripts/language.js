/* Texts of the scripts in the report's language; runs before all others. */

/**
 * Return a text in the report's language, with its placeholders filled in.
 *
 * The text is given in English, with placeholders such as {total}; the page has its number instead.
 * @type {(text: string, values?: Readonly<Record<string, string | number>>) => string}
 */
const t = (() => {
  "use strict";

  /** @type {Record<string, string>} */
  const messages = JSON.parse(document.getElementById("messages")?.textContent || "{}");
  return (text, values = {}) => (messages[text] ?? text)
    .replace(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(values, name) ? String(values[name]) : whole));
})();

/** How names and texts are put in order: 9 before 10. */
const collator = new Intl.Collator(document.documentElement.lang, { numeric: true });
