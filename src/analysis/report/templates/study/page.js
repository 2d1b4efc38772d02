(function () {
  var main = document.getElementById("main"), button = document.getElementById("show-code");
  main.classList.add("scripted");
  button.hidden = false;
  button.addEventListener("click", function () {
    var on = main.classList.toggle("with-code");
    button.setAttribute("aria-pressed", String(on));
    main.querySelectorAll("details.code").forEach(function (each) { each.open = on; });
  });
})();
