# SPDX-License-Identifier: Apache-2.0
"""Streams of octets between machines, sent and received in whole chunks; what they mean is not known here."""
