"""La cárcel: todo, y solo, lo que rodea o ejecuta una entrega."""
