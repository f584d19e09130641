"""Lo que corre dentro de la cárcel, con lo que ejecuta la entrega; de aquí no sale un veredicto."""
