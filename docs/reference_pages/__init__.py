"""What writes the reference: a module a page; `page` has what they share."""
