# SPDX-License-Identifier: Apache-2.0
"""Small builders of packets and capture files, and the table of golden captures.

Everything here is deterministic: the same octets on every machine. Addresses are
those that RFC 5737 and RFC 3849 keep for documentation.
"""
