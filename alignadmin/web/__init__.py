"""What views of every room share: requests, responses, forms and template words."""
