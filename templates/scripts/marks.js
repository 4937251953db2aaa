/* Verdict, mark and remark of a teacher, on pictures and on the report. */
(() => {
  "use strict";

  if (!handin) {
    return;
  }
  const { form, about, marks, places, writers, actions, keep, save, part } = handin;
  const SCHEMA = "reportgen/marks";
  const page = document.documentElement;
  /** @type {["verdict" | "mark" | "remark", string][]} */
  const FIELDS = [["verdict", t("Verdict")], ["mark", t("Mark")], ["remark", t("Remark")]];
  for (const [name, id] of places) {
    const sha256 = document.querySelector(`#${id || "notes"} .hash code`)?.textContent ?? "";
    marks[name] ??= { verdict: "", mark: "", remark: "", sha256 };
  }

  /** @param {string} name */
  const said = (name) => FIELDS.filter(([field]) => marks[name][field]);

  /**
   * Show what was said of one picture, as a copy and paper have it.
   * @param {Element} root
   * @param {string} name
   * @param {string} id
   */
  function write(root, name, id) {
    part(root, id, "marked").replaceChildren(...said(name).map(([field, title]) =>
      make("p", {}, make("strong", {}, title), ` ${marks[name][field]}`)));
  }

  /**
   * Put the controls for one picture below its notes.
   * @param {string} name
   * @param {string} id
   */
  function ask(name, id) {
    const controls = FIELDS.map(([field, title]) => {
      const control = make(field === "remark" ? "textarea" : "input", {
        value: marks[name][field],
        oninput() {
          keep("marks", name, { ...marks[name], [field]: control.value.trim() });
          write(page, name, id);
          count();
        },
      });
      if (field === "verdict") {
        control.setAttribute("list", "verdicts");
      }
      return make("label", {}, title, control);
    });
    const legend = make("legend", {}, t("Marking of {name}", { name: name || about.title }));
    part(page, id, "marked").after(make("fieldset", "marks", legend, ...controls));
  }

  const message = make("output");
  function count() {
    const images = places.filter(([name]) => name);
    const done = images.filter(([name]) => marks[name].verdict || marks[name].mark);
    message.value = t("{n} of {total} images marked", { n: done.length, total: images.length });
  }

  /** Return the report, the pictures that are here, and those marked on other pages. */
  const records = () => [...new Set(["", ...places.map(([name]) => name), ...Object.keys(marks)])]
    .map((name) => ({ name, ...marks[name] }));

  function saveJson() {
    const [report, ...images] = records();
    const found = { schema: SCHEMA, schema_version: 1, ...about, report, images };
    save("-marks.json", JSON.stringify(found, null, 2));
  }

  function saveCsv() {
    const { author, meta } = about;
    const head = ["author", "file", "sha256", "verdict", "mark", "remark", ...Object.keys(meta)];
    const rows = records().map(({ name, sha256, verdict, mark, remark }) =>
      [author, name, sha256, verdict, mark, remark, ...Object.values(meta)]);
    // A text that a spreadsheet would compute gets a sign before it; the first one says UTF-8 to Excel.
    save("-marks.csv", "\ufeff" + [head, ...rows].map((row) => row.map((cell = "") =>
      `"${/^[=+\-@\t\r]/.test(cell) ? "'" : ""}${cell.replace(/"/g, '""')}"`).join(",") + "\n").join(""));
  }

  const file = make("input", {
    type: "file",
    accept: ".json",
    async onchange() {
      try {
        const found = JSON.parse(await /** @type {FileList} */ (file.files)[0].text());
        if (found.schema + found.title + found.created !== SCHEMA + about.title + about.created) {
          throw 0;
        }
        for (const { name, verdict, mark, remark, sha256 } of [found.report, ...found.images]) {
          keep("marks", name, { verdict, mark, remark, sha256 });
        }
        show(true);
      } catch {
        message.value = t("This file does not hold marks of this report.");
      }
      file.value = "";
    },
  });
  const kept = make("input", { type: "checkbox" });
  writers.push((root, copied) => {
    if (kept.checked) {
      copied.marks = marks;
      places.forEach(([name, id]) => said(name)[0] && write(root, name, id));
    }
  });
  const panel = make("div", "marks actions begun",
    message,
    makeButton(t("Download marks (.json)"), saveJson),
    makeButton(t("Download marks (.csv)"), saveCsv),
    make("label", {}, t("Read marks (.json)"), file),
    ...(form === "single" ? [make("label", {}, kept, t("Keep the marks in a copy"))] : []),
    make("datalist", { id: "verdicts" },
      ...[t("accepted"), t("to be revised"), t("rejected")].map((value) => make("option", { value }))));

  /** @param {boolean} open */
  function show(open) {
    document.querySelectorAll(".marks").forEach((item) => item.remove());
    opener.ariaExpanded = String(open);
    for (const [name, id] of places) {
      write(page, name, id);
      if (open) {
        ask(name, id);
      }
    }
    if (open) {
      actions.after(panel);
      count();
    }
  }
  const opener = makeButton(t("Marking"), () => show(!panel.isConnected));
  actions.append(opener);
  show(false);
})();
