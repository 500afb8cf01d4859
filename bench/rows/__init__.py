# SPDX-License-Identifier: Apache-2.0
"""The rows of the benchmark, a module a table of the budget. Each has run(bench, timing)."""
