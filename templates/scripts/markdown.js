/* Elements made at once, and Markdown as elements: no text of anybody's is ever read as HTML. */

/**
 * Make an element with its properties, or its class alone, and children.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Partial<HTMLElementTagNameMap[K]> | string} [values]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
const make = (tag, values = {}, ...children) => {
  const given = typeof values === "string" ? { className: values } : values;
  const made = Object.assign(document.createElement(tag), given);
  made.append(...children);
  return made;
};

/**
 * Make a button.
 * @param {string} text
 * @param {() => void} onclick
 * @param {Partial<HTMLButtonElement>} [values]
 */
const makeButton = (text, onclick, values) => make("button", { type: "button", onclick, ...values }, text);

/**
 * Hand the reader a file.
 * @param {string} download Its name.
 * @param {Blob} blob
 */
const giveFile = (download, blob) => {
  const href = URL.createObjectURL(blob);
  make("a", { href, download }).click();
  setTimeout(() => URL.revokeObjectURL(href), 1e5);
};

/**
 * Return whether a key or a click is meant for the browser.
 * @param {KeyboardEvent | MouseEvent} event
 */
const isHeld = ({ ctrlKey, altKey, metaKey }) => ctrlKey || altKey || metaKey;

/**
 * Put Markdown into an element: the part of it that is common; what is not known here stays as written.
 * @type {(parent: Element, text: string, heading: "h3" | "h5", find: (name: string) => string) => void}
 */
const markdown = (() => {
  "use strict";

  const INLINE = new RegExp(
    /(`+)(.*?[^`])\1(?!`)|(\*\*|__)(?=\S)(.*?\S)\3|(\*|\b_)(?=[^\s*])(.*?[^\s*])\5(?![\w*])/.source
      + /|\[([^\]]+)\]\(<?([^)>]+)>?\)|\\([!-/:-@[-`{-~])|\$[^$]+\$/.source,
    "s",
  );
  const FENCE = /^ {0,3}(```+|~~~+)/;
  const HEADING = /^ {0,3}#{1,6}[ \t]+(.*?)[ \t#]*$/;
  const ITEM = /^ {0,3}(?:[-*+]|(\d{1,9})[.)])[ \t]+/;
  const ENDS = [FENCE, HEADING, ITEM, /^\s*$/];

  return (parent, text, heading, find) => {
    /**
     * @param {Element} into
     * @param {string} rest
     */
    const inline = (into, rest) => {
      for (let found; (found = INLINE.exec(rest)); rest = rest.slice(found.index + found[0].length)) {
        const [all, , code, , strong, , em, words, href, mark] = found;
        // A link leads to the web, to mail, to a picture by its name, or to a place of this page.
        const link = words && find(href);
        into.append(rest.slice(0, found.index));
        if (code) {
          into.append(make("code", { textContent: code.trim() }));
        } else if (strong || em) {
          inline(into.appendChild(make(strong ? "strong" : "em")), strong || em);
        } else if (link && /^(https?:\/\/|mailto:|#\w)/i.test(link)) {
          inline(into.appendChild(make("a", { href: link, rel: "noopener noreferrer" })), words);
        } else {
          into.append(mark ?? all);
        }
      }
      into.append(rest);
    };

    /**
     * @param {Element} into
     * @param {string[]} lines Taken away one by one.
     */
    const blocks = (into, lines) => {
      /**
       * Take a line, and those after it for which something holds.
       * @param {(line: string) => boolean} holds
       */
      const take = (holds) => {
        const end = lines.findIndex((line, at) => at && !holds(line));
        return lines.splice(0, end < 0 ? lines.length : end);
      };
      while (lines.length) {
        const [line] = lines;
        const fence = FENCE.exec(line)?.[1];
        const title = HEADING.exec(line);
        const mark = ITEM.exec(line);
        if (fence) {
          const code = take((next) => !next.trim().startsWith(fence)).slice(1).join("\n");
          lines.shift();
          into.append(make("pre", {}, make("code", { textContent: code })));
        } else if (title) {
          lines.shift();
          inline(into.appendChild(make(heading)), title[1]);
        } else if (mark) {
          const list = mark[1] ? make("ol", { start: Number(mark[1]) }) : make("ul");
          const inside = new RegExp(`^ {1,${mark[0].length}}`);
          into.append(list);
          do {
            const item = take((next) => inside.test(next));
            blocks(list.appendChild(make("li")), item.map((next, at) => next.replace(at ? inside : ITEM, "")));
          } while (lines.length && ITEM.test(lines[0]));
        } else if (line.trim()) {
          const words = take((next) => !ENDS.some((end) => end.test(next)));
          inline(into.appendChild(make("p")), words.join("\n"));
        } else {
          lines.shift();
        }
      }
    };
    blocks(parent, text.split("\n"));
  };
})();
