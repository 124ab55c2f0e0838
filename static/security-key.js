/* What the browser says of a security key, in words on the page: allauth's scripts only write it to the console. */
(() => {
  "use strict";

  const WORDS = {
    NotAllowedError: "No security key answered: it was cancelled, took too long, or does not belong to this account. Try again.",
    InvalidStateError: "This security key is already among yours. Use another one.",
    SecurityError: "This address cannot be used with security keys: open AlignAdmin by its name and over https.",
    NotSupportedError: "This browser or key cannot do what is asked. Try another one.",
  };

  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    const trouble = document.getElementById("key-trouble");
    const name = event.detail.exception?.name;
    trouble.textContent = WORDS[name] || "The security key could not be used in this browser. Try another browser, or a code.";
    trouble.hidden = false;
  });
})();
