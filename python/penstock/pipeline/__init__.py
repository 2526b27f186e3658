# SPDX-License-Identifier: Apache-2.0
"""Running a graph: meters in turn, a queue and a thread for each sink, and one ledger of it all."""
