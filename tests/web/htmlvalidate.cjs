/* What html-validate asks of a page. A rule that is changed or off has its reason beside it. */
"use strict";

module.exports = {
  root: true,
  extends: ["html-validate:recommended"],
  rules: {
    // The house writes it as it writes all other tags.
    "doctype-style": ["error", { style: "lowercase" }],
    // The title is the user's own.
    "long-title": "off",
    // Numbers are handed to the style sheet as custom properties; anything else is an error.
    "no-inline-style": [
      "error",
      { allowedProperties: ["--aspect", "--columns", "--depth", "--p", "--runs", "--view"] },
    ],
    // Some browsers drop the role of a list without bullets, and of a table that is laid out anew
    // on a phone.
    "no-redundant-role": "off",
    // What scrolls by itself is a region, so that it has a name, but no section of the text.
    "prefer-native-element": ["error", { exclude: ["region"] }],
  },
};
