"""Warm kernels: one process has imported the packages, each kernel is forked from it.

`process` starts and ends it, `folder` is where its sockets are, `server` is what runs in it, with
`request`, `imported` and `kernel`; `provisioner` is how Jupyter asks it for kernels, `client` how
runs speak with them, `preload` is what it imports.
"""
