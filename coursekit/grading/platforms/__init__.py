"""Las notas como las pide cada plataforma, un módulo por plataforma."""
