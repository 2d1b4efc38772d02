"""An executed notebook becomes a page, the pages a site."""
