# SPDX-License-Identifier: Apache-2.0
"""Captures that anyone can make again: their octets depend on the settings alone.

:mod:`traffic.model` decides which packets there are, :mod:`traffic.writer` puts them into a file,
:mod:`traffic.payloads` and :mod:`traffic.quic` are what applications say.
"""
