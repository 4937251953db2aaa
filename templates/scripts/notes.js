/*
 * Notes on pictures and on the report: written as Markdown, kept in the browser, put into a copy of the
 * page. It runs before the scripts that change the page, so that a copy is made of the page as it came.
 */

/**
 * @typedef {object} Mark What the teacher says of one picture, or of the whole report.
 * @property {string} verdict
 * @property {string} mark A number, or text.
 * @property {string} remark
 * @property {string} sha256 Of the picture.
 */
/**
 * @typedef {object} Front
 * @property {"single" | "index" | "page"} form
 * @property {{ title: string, author: string, meta: Record<string, string>, created: string,
 *   weights_sha256: string }} about
 * @property {Record<string, string>} notes Markdown by the picture's name, "" for the report.
 * @property {Record<string, Mark>} [marks] The same for marks.
 * @property {string} [saved] When this copy was made; missing in the report itself.
 */
/**
 * @typedef {object} Drafts
 * @property {Record<string, string>} notes
 * @property {Record<string, Mark>} marks
 */

const handin = (() => {
  "use strict";

  const page = document.documentElement;
  const holder = document.getElementById("handin");
  if (!holder) {
    return null;
  }
  /** @type {Front} */
  const front = JSON.parse(holder.textContent);
  const { form, about } = front;
  // In a document of its own, so that its pictures are not loaded once more.
  const original = form === "single"
    && document.implementation.createHTMLDocument().importNode(page, true);

  // -- Keeping --------------------------------------------------------------------------------------

  // A copy is another text to write on: what is written on one does not show on the other.
  const key = ["reportgen", about.title, about.created, front.saved].join("\n");
  const notes = { ...front.notes };
  const marks = { ...front.marks };
  let lost = false;

  /** @returns {Drafts} */
  const read = () => ({ notes: {}, marks: {}, ...JSON.parse(localStorage[key] ?? "{}") });

  try {
    const drafts = read();
    Object.assign(notes, drafts.notes);
    Object.assign(marks, drafts.marks);
  } catch {
    // A page from disk, or in a frame, may have no store: what is written is kept until it is closed.
  }
  addEventListener("beforeunload", (event) => lost && event.preventDefault());

  /**
   * Keep one text or one mark; other pages of the report may have kept some since.
   * @template {keyof Drafts} K
   * @param {K} kind
   * @param {string} name Of the picture; empty for the report.
   * @param {Drafts[K][string]} value
   */
  function keep(kind, name, value) {
    /** @type {Drafts} */ ({ notes, marks })[kind][name] = value;
    actions.classList.add("begun");
    try {
      const drafts = read();
      drafts[kind][name] = value;
      localStorage[key] = JSON.stringify(drafts);
    } catch {
      lost = true;
    }
  }

  /**
   * Give the reader a file.
   * @param {string} ending
   * @param {string} text
   */
  function save(ending, text) {
    const name = about.title.replace(/[^\p{L}\p{N}]+/gu, "-");
    giveFile(name + ending, new Blob([text]));
    lost = false;
  }

  // -- Boxes ----------------------------------------------------------------------------------------

  /** Every picture of the page, by name and anchor, and the report itself where it is here.
   * @type {[string, string][]}
   */
  const places = form === "page" ? [] : [["", ""]];
  for (const article of document.querySelectorAll("article.image")) {
    places.push([/** @type {HTMLElement} */ (article).dataset.name ?? "", article.id]);
  }

  /**
   * Return the section for the whole report, made where the page has none.
   * @param {Element} root
   */
  function section(root) {
    let found = root.querySelector("#notes");
    if (!found) {
      const title = make("h2", { id: "notes-title" }, t("Notes"));
      found = make("section", { className: "part", id: "notes", ariaLabel: t("Notes") }, title);
      const summary = root.querySelector("#summary");
      summary ? summary.after(found) : root.querySelector("main")?.prepend(found);
    }
    return found;
  }

  /**
   * Return the box of one kind that belongs to a picture or to the report, made where there is none.
   * @param {Element} root
   * @param {string} id Of the picture's article; empty for the report.
   * @param {string} kind Class of the box.
   */
  function part(root, id, kind) {
    const place = /** @type {Element} */ (id ? root.querySelector(`#${id}`) : section(root));
    let found = place.querySelector(`.${kind}`);
    if (!found) {
      found = make("div", kind);
      const before = place.querySelector(".note") ?? place.querySelector(".source");
      (before ?? place.children[0]).after(found);
    }
    return found;
  }

  /**
   * Fill a box as the page itself has it.
   * @param {Element} box
   * @param {string} name
   */
  function write(box, name) {
    const body = make("div", "markdown");
    markdown(body, notes[name], name ? "h5" : "h3", (link) => {
      const id = places.find(([other]) => other === link)?.[1];
      return id ? `#${id}` : link;
    });
    box.replaceChildren(...(name ? [make("h4", {}, t("Notes"))] : []), body);
  }

  /**
   * Let a box be written in.
   * @param {string} name
   * @param {string} id
   */
  function equip(name, id) {
    const box = part(page, id, "note");
    const opener = makeButton("", () => {
      const text = make("textarea", {
        rows: 8,
        value: notes[name] ?? "",
        ariaLabel: t("Notes on {name}", { name: name || about.title }),
        oninput: () => keep("notes", name, text.value),
      });
      const hint = make("p", "fine", t("Markdown. To keep it, download it."));
      box.replaceChildren(text, hint, makeButton(t("Done"), done));
      text.focus();
      addEventListener("beforeprint", done, { once: true });
    });
    opener.setAttribute("aria-describedby", id ? `${id}-name` : "notes-title");
    const show = () => {
      const empty = !notes[name]?.trim();
      if (empty) {
        box.replaceChildren();
      } else if (notes[name] !== front.notes[name] || !box.querySelector(".markdown")) {
        write(box, name);
      }
      opener.textContent = empty ? t("Add notes") : t("Edit the notes");
      box.append(opener);
      box.classList.toggle("unwritten", empty);
    };
    const done = () => {
      show();
      opener.focus();
    };
    show();
  }

  // -- Handing in -----------------------------------------------------------------------------------

  /** @type {((root: Element, copied: Front) => void)[]} What puts something into a copy. */
  const writers = [(root) => {
    for (const [name, id] of places) {
      // What has not changed stands in the copy already, set by the report itself.
      if ((notes[name] ?? "") !== (front.notes[name] ?? "")) {
        const box = part(root, id, "note");
        notes[name].trim() ? write(box, name) : box.remove();
      }
    }
  }];

  /** @param {Element} original */
  function copy(original) {
    const root = /** @type {Element} */ (original.cloneNode(true));
    const copied = { ...front, notes, saved: new Date().toISOString() };
    for (const put of writers) {
      put(root, copied);
    }
    /** @type {Element} */ (root.querySelector("#handin")).textContent =
      JSON.stringify(copied).replace(/</g, "\\u003c");
    save("-notes.html", `<!doctype html>\n${root.outerHTML}`);
  }

  /**
   * Keep the headings of a note from being read as those of a picture: they are deeper, and do not end
   * as the name of a file does. Blocks of code stay as they are.
   * @param {string} text
   */
  const guard = (text) => text.replace(/^ {0,3}(```+|~~~+)[^]*?^ {0,3}\1|^ {0,3}#.*/gm, (line, fence) =>
    fence ? line : line.replace(/^( *#)(?=\s)/, "$1#").replace(/\.(?=\w+\W*$)/, "&#46;"));

  const begun = Object.values(notes).join("") || front.marks ? " begun" : "";
  const actions = make("div", `actions${begun}`);
  if (original) {
    actions.append(makeButton(t("Download a copy with notes"), () => copy(original)));
  }
  actions.append(makeButton(t("Download notes (.md)"), () => {
    const parts = Object.entries(notes).filter(([, text]) => text.trim())
      .map(([name, text]) => `# ${name || "Report"}\n\n${guard(text)}\n`);
    save("-notes.md", parts.join("\n"));
  }));
  section(page).append(actions);
  for (const [name, id] of places) {
    equip(name, id);
  }
  return { form, about, marks, places, writers, actions, keep, save, part };
})();
