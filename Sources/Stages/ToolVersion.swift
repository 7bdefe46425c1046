// SPDX-License-Identifier: Apache-2.0

/// The version: what every program answers to --version, what the provenance of every file and with it the page
/// names, and what releases are called, for which scripts/version reads it here. Raised when numbers change.
public let toolVersion = "0.1.0"
