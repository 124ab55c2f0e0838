"""Who is told what: in the product, and by e-mail at once or once a day, as each person chose for each kind."""
