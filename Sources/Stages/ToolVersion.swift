// SPDX-License-Identifier: Apache-2.0

/// The version that every file's provenance names; raised when numbers change.
public let toolVersion = "0.1.0"
