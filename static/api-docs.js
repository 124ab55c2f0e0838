/* Starts the API pages from a file: the content security policy allows no inline script. */
(() => {
  "use strict";
  const root = document.getElementById("swagger-ui");
  SwaggerUIBundle({ domNode: root, url: root.dataset.schema, deepLinking: true, validatorUrl: null });
})();
