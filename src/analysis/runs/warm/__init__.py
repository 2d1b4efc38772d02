"""Warm kernels: one process has imported the packages, each kernel is forked from it.

`process` starts and ends it, `server` is what runs in it, `provisioner` is how Jupyter asks it
for kernels, `preload` is what it imports.
"""
