"""One module per page: `page(views, ...)` builds it for the browser that asked and starts its timer."""
