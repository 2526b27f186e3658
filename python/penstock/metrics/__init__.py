# SPDX-License-Identifier: Apache-2.0
"""A run as numbers for machines: which metrics there are, their text for Prometheus, and who serves it."""
