// Lo que se desplaza por dentro tiene que poder desplazarse también con el teclado.
function reachByKeyboard() {
  const boxes = "pre, .pst-scrollable-table-container, mjx-container, .cell_output, .output";
  for (const box of document.querySelectorAll(boxes)) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
}

// Los botones que despliegan celdas llegan con el nombre en inglés.
function nameToggles() {
  for (const button of document.querySelectorAll("button.toggle-button")) {
    button.ariaLabel = "Mostrar u ocultar";
  }
}

window.addEventListener("load", () => {
  nameToggles();
  reachByKeyboard();
  window.MathJax?.startup?.promise?.then(reachByKeyboard);
});
window.addEventListener("resize", reachByKeyboard);
