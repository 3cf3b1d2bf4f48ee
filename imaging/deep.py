def open_deep(xray):
    raise NotImplementedError
