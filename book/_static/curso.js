// Lo que se desplaza por dentro tiene que poder desplazarse también con el teclado.
function reachByKeyboard() {
  const boxes = "pre, .pst-scrollable-table-container, mjx-container, .cell_output, .output";
  for (const box of document.querySelectorAll(boxes)) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
}

window.addEventListener("load", () => {
  reachByKeyboard();
  window.MathJax?.startup?.promise?.then(reachByKeyboard);
});
window.addEventListener("resize", reachByKeyboard);
