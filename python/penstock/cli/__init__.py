# SPDX-License-Identifier: Apache-2.0
"""The command line: a file a command, nothing that other modules need."""
