// The switch works without this; here the document's own language follows it, and report.html#ja opens in Japanese.
(function () {
  function follow() {
    document.documentElement.lang = document.getElementById("lang-ja").checked ? "ja" : "en";
  }
  if (location.hash === "#ja") document.getElementById("lang-ja").checked = true;
  if (location.hash === "#en") document.getElementById("lang-en").checked = true;
  document.querySelectorAll(".switch-input").forEach(function (input) {
    input.addEventListener("change", follow);
  });
  follow();
})();
