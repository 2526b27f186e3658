# SPDX-License-Identifier: Apache-2.0
"""What is to be done, as a graph of named parts: points → selectors → caches → exporters.

``model`` says what a graph is, ``check`` finds every mistake in one, ``load`` reads files,
``shorthand`` turns a command line or a Python call into one, ``native`` hands a cache to the
native half.
"""
