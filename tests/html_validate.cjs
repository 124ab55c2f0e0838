// What `make html` asks of every page: all that html-validate recommends, except what is named here with its reason.
module.exports = {
  root: true,
  extends: ["html-validate:recommended"],
  rules: {
    // --- the standard lets us choose, and neither is wrong ---
    "attr-quotes": "off", // the grid of a matrix writes thousands of cells without quotes, a third of its bytes
    "doctype-style": "off", // lower case
    "no-trailing-whitespace": "off", // where a template's tag stood; gzip makes nothing of it
    "no-implicit-close": "off", // `option` in a datalist ends by itself
    "no-implicit-button-type": "off", // a button in a form sends it; what does not says type="button"
    "no-implicit-input-type": "off", // text
    "no-redundant-for": "off", // Django's labels name the field that stands in them, for voice control that reads `for`
    "valid-id": ["error", { relaxed: true }], // `_matrix` is the part of a page that its template of this name draws
    // --- the rule knows less than the standard ---
    "no-redundant-role": "off", // rows of a matrix are laid out as CSS grids, which a browser may take for no rows
    "aria-label-misuse": ["error", { allowAnyNamable: true }], // a list may have a name (ARIA 1.2, roles that allow naming)
    "prefer-native-element": ["error", { exclude: ["region"] }], // boxes that scroll and take the focus, no sections
    "form-dup-name": "off", // acts of one form share a name; it knows that of buttons with a written type alone
    // Two forms are sent by scripts alone and are not to be seen without them: a cell of the grid, and a passkey.
    "wcag/h32": "off",
  },
};
